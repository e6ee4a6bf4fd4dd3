"""Energy and carbon: codecarbon's estimate where it is installed and asked for, else none."""

import importlib.util
import os
import sys

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import command

NEEDS = pytest.mark.skipif(
    importlib.util.find_spec("codecarbon") is None, reason="without mlo[carbon]"
)
"""codecarbon brings 60 MiB, so `nox` runs these in its second session only."""


def asking(repo: Repository, more: str = "") -> Repository:
    (repo.root / ".mlops.yaml").write_text(f"tracking: {{carbon: true{more}}}\n")
    return open_repository(repo.root)


@NEEDS
def test_a_run_has_an_estimate_of_energy_and_carbon(repo: Repository) -> None:
    aside = asking(repo, ", country: DEU")
    run = command.run(aside, ("true",), folder=repo.root, environ=os.environ)
    assert run.usage["energy_kwh"] >= 0
    assert run.usage["co2_kg"] >= 0


def test_without_the_extra_the_run_is_refused_with_what_to_install(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    monkeypatch.setattr(sys, "path_importer_cache", {})
    monkeypatch.delitem(sys.modules, "codecarbon")
    monkeypatch.setattr(sys, "path", [one for one in sys.path if not _has_codecarbon(one)])
    with pytest.raises(RequestError, match="takes codecarbon") as caught:
        command.run(asking(repo), ("true",), folder=repo.root, environ=os.environ)
    assert caught.value.hint == "pip install 'mlo[carbon]'"


def _has_codecarbon(folder: str) -> bool:
    return os.path.isdir(os.path.join(folder, "codecarbon"))


def test_nothing_is_made_up_when_nobody_asked(repo: Repository) -> None:
    run = command.run(repo, ("true",), folder=repo.root, environ=os.environ)
    assert "energy_kwh" not in run.usage
