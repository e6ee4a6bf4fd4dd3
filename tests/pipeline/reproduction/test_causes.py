"""Promises of telling causes: what failed is read off its log, and trials prove what they can."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.pipeline.reproduction import causes
from mlops_cli.pipeline.reproduction.causes import Search
from mlops_cli.pipeline.reproduction.differences import Difference
from mlops_cli.pipeline.reproduction.surroundings import Surroundings
from mlops_cli.runs.record import Run

HERE = Surroundings({"PATH": "/bin"}, None, Path("/project"))


@pytest.fixture
def done(repo: Repository, run) -> Run:
    outcome = run()
    assert outcome.run is not None
    return outcome.run


@pytest.mark.parametrize(
    ("log", "kind", "name"),
    [
        ("[Errno 2] No such file or directory: 'a b.csv'", "undeclared input", "a b.csv"),
        ('No such file or directory: "/aside/x/y.csv"', "undeclared input", "x/y.csv"),
        ("cat: extra.csv: No such file or directory", "undeclared input", "extra.csv"),
        ("sh: 1: cannot open in.csv: No such file", "undeclared input", "in.csv"),
        ("cannot open file 'in.rds': No such", "undeclared input", "in.rds"),
        ("ModuleNotFoundError: No module named 'x.y'", "package", "x.y"),
        ("Killed", "failure", None),
    ],
)
def test_a_failure_is_read_off_the_log(done: Run, log: str, kind: str, name: str | None) -> None:
    (found,) = causes.of_failure(done, done, f"begin\n{log}\n", "/aside")
    assert found.kind == kind
    assert name is None or found.name == name


class Steps:
    """A step that writes what depends on its variables, and keeps them."""

    def __init__(self, *named: str, noise: str | None = None) -> None:
        self._named = named
        self._noise = noise
        self.count = 0

    def __call__(self, place: Surroundings) -> Mapping[str, str]:
        self.count += 1
        told = " ".join(place.environ.get(name, "") for name in self._named)
        steady = self._noise is None or place.environ.get(self._noise) in ("0", "1")
        return {"out": told if steady else f"{told}{self.count}", "other": "x"}


def variable(name: str, recorded: str, here: str) -> Difference:
    return Difference("variable", name, recorded, here)


def test_what_is_steady_is_no_noise() -> None:
    assert Search(Steps(), {"out": "then"}, {"out": ""}, HERE).noise() == []


@pytest.mark.parametrize(
    ("depends_on", "named"),
    [
        ("PYTHONHASHSEED", "PYTHONHASHSEED"),
        ("OMP_NUM_THREADS", "threads"),
        ("NOTHING", "unseeded randomness"),
    ],
)
def test_noise_is_told_by_what_stops_it(depends_on: str, named: str) -> None:
    steps = Steps(noise=depends_on)
    (found,) = Search(steps, {"out": "then"}, {"out": "0"}, HERE).noise()
    assert (found.kind, found.name, found.proven) == ("randomness", named, True)


def test_of_several_variables_the_one_that_matters_is_named() -> None:
    search = Search(Steps("A"), {"out": "1"}, {"out": "2"}, HERE.with_variables({"A": "2"}))
    found = search.of_variables([variable("A", "1", "2"), variable("B", "1", "2")])
    assert [(one.name, one.recorded, one.here) for one in found] == [("A", "1", "2")]


def test_variables_that_matter_only_together_are_both_named() -> None:
    search = Search(Steps("A", "B"), {"out": "1 1"}, {"out": "2 2"}, HERE)
    found = search.of_variables([variable("A", "1", "2"), variable("B", "1", "2")])
    assert [one.name for one in found] == ["A", "B"]


def test_a_variable_that_was_not_set_is_taken_away() -> None:
    search = Search(Steps("A"), {"out": ""}, {"out": "2"}, HERE.with_variables({"A": "2"}))
    (found,) = search.of_variables([variable("A", "not set", "2")])
    assert found.name == "A"


def test_variables_that_make_no_difference_are_not_blamed() -> None:
    search = Search(Steps("A"), {"out": "3"}, {"out": "2"}, HERE)
    assert search.of_variables([variable("A", "1", "2")]) == []


def test_the_kernel_of_the_recorded_processor_is_tried() -> None:
    then = {"cpu": "Xeon", "cpu_flags": ["avx", "avx2", "fma", "avx512f", "avx512vl"]}
    here = {"cpu": "EPYC", "cpu_flags": ["avx", "avx2", "fma"]}
    search = Search(Steps("OPENBLAS_CORETYPE"), {"out": "SkylakeX"}, {"out": ""}, HERE)
    (found,) = search.of_kernel(then, here)
    assert (found.kind, found.recorded, found.here) == ("BLAS kernel", "SkylakeX", "Haswell")
    assert search.of_kernel({"cpu": "EPYC", "cpu_flags": []}, here) == []


def test_no_trial_begins_when_patience_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "_PATIENCE_S", -1.0)
    search = Search(Steps(), {"out": "a"}, {"out": "b"}, HERE)
    assert search.noise() == []
    assert search.untried == ["a second time"]
