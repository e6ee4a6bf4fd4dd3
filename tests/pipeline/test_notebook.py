"""Promises of notebooks as steps, with the real papermill."""

import json
import os
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from tests.pipeline.conftest import Run, states

SETTINGS = """\
params: {train: {depth: 5}}
steps:
  explore:
    notebook: explore.ipynb
    params: [train.depth]
    outs: [explored.ipynb]
    metrics: [metrics.json]
"""


def cell(source: str, *tags: str) -> dict:
    return {
        "cell_type": "code",
        "id": f"cell{len(source)}",
        "metadata": {"tags": list(tags)},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


@pytest.fixture
def notebook(repo: Repository) -> Repository:
    (repo.root / ".mlops.yaml").write_text(SETTINGS)
    write = "import json; json.dump({'depth': depth}, open('metrics.json', 'w'))"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    held = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [cell("depth = 1", "parameters"), cell(write)],
    }
    (repo.root / "explore.ipynb").write_text(json.dumps(held))
    return repo


def test_a_notebook_runs_with_parameters_and_is_kept_as_it_ran(
    notebook: Repository, run: Run
) -> None:
    outcome = run()
    assert states(outcome) == {"explore": "ran"}
    assert outcome.run is not None
    assert outcome.run.metrics == {"depth": 5}
    ran = json.loads((notebook.root / "explored.ipynb").read_text())
    assert [one["execution_count"] for one in ran["cells"]] == [1, 2, 3]
    assert run().run is None, "it is up to date"


def test_a_python_without_papermill_is_told_before_anything_runs(
    notebook: Repository, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare" / "bin"
    (bare.parent / "lib/python3.11/site-packages").mkdir(parents=True)
    bare.mkdir()
    (bare / "python").symlink_to("/bin/true")
    (bare.parent / "pyvenv.cfg").write_text("version = 3.11.7\n")
    monkeypatch.setenv("VIRTUAL_ENV", str(bare.parent))
    monkeypatch.setenv("PATH", f"{bare}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(RequestError, match="nothing to run it") as caught:
        run()
    assert caught.value.hint == "pip install 'mlo[notebook]'"
