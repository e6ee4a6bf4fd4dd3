"""Promises of what commands start with: variables as recorded, code of the work tree aside."""

import os
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.pipeline.reproduction import surroundings
from mlops_cli.runs import machine


def test_variables_that_decide_numbers_are_as_recorded_and_no_others(repo: Repository) -> None:
    recorded = {
        "threads": {"OMP_NUM_THREADS": "3"},
        "variables": {"SITE": "lab", "API": "***", "A=B": "x"},
    }
    environ = {"PATH": "/bin", "OPENBLAS_CORETYPE": "Prescott", "SITE": "home", "API": "k",
               "MLO_RUN_DIR": "/x", "HOME": "/h"}  # fmt: skip
    place = surroundings.as_recorded(repo, recorded, environ, programs=None)
    told = {name: value for name, value in place.environ.items() if name != "PATH"}
    assert told == {"OMP_NUM_THREADS": "3", "SITE": "lab", "API": "k", "HOME": "/h"}


def test_programs_of_another_environment_come_first(repo: Repository) -> None:
    place = surroundings.as_recorded(
        repo, {}, {"PATH": "/bin", "CONDA_PREFIX": "/c"}, programs=Path("/venv/bin")
    )
    assert place.environ == {"PATH": "/venv/bin:/bin", "VIRTUAL_ENV": "/venv"}


def test_folders_of_the_project_on_the_python_path_are_those_aside(repo: Repository) -> None:
    root = repo.root
    (root / "src").mkdir()
    environ = {"PATH": "/bin", "PYTHONPATH": f"{root}/lib:/other:{root}-not"}
    recorded = {"editable": {"own": root.as_uri(), "else": "file:///else"}}
    place = surroundings.as_here(repo, recorded, environ)
    found = place.within(repo)["PYTHONPATH"].split(":")
    assert found == [f"{root}/src", str(root), f"{root}/lib", "/other", f"{root}-not"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="there is no affinity here")
def test_fewer_processors_then_are_fewer_now(repo: Repository) -> None:
    now = machine.usable_cpus()
    assert now is not None
    if now < 2:
        pytest.skip("there is but one processor")
    place = surroundings.as_recorded(repo, {"cpus_usable": 1}, {"PATH": "/bin"}, programs=None)
    with surroundings.processors(place.cpus):
        assert machine.usable_cpus() == 1
    assert machine.usable_cpus() == now


def test_more_processors_then_are_as_many_threads_now(repo: Repository) -> None:
    recorded = {"cpus_usable": 4096, "threads": {"MKL_NUM_THREADS": "2"}}
    place = surroundings.as_recorded(repo, recorded, {"PATH": "/bin"}, programs=None)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    assert [place.environ[name] for name in names] == ["4096", "4096", "2"]
