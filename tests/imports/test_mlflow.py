"""Runs that the real MLflow made come over whole: from its files, its database, its server."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops_cli.core import tree
from mlops_cli.core.repository import open_repository
from mlops_cli.imports.mlflow_record import key_of
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run
from tests.conftest import Mlo, git

SCRIPT = Path(__file__).with_name("mlflow_script.py")
KINDS = ("files", "database", "server")
_START_S = 60


class Experiments:
    """Where MLflow's runs are, and their ids by name."""

    def __init__(self, python: Path, home: Path, uri: str) -> None:
        self.python, self.home, self.uri = python, home, uri
        self.ids = self.run()

    def run(self, *arguments: str) -> dict[str, str]:
        """Run the script as a user of MLflow does, in a git repository."""
        done = subprocess.run(
            [self.python, "train.py", self.uri, *arguments],
            cwd=self.home,
            env={**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "GIT_PYTHON_REFRESH": "quiet"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture(scope="module")
def made(
    mlflow_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Experiments]:
    """Return what makes the experiments of a kind, once."""
    known: dict[str, Experiments] = {}

    def make(kind: str) -> Experiments:
        if kind not in known:
            home = tmp_path_factory.mktemp(kind)
            shutil.copy(SCRIPT, home / "train.py")
            git(home, "init", "--quiet")
            git(home, "add", "train.py")
            who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
            git(home, *who, "commit", "--quiet", "--message", "Begin")
            uri = "file:./mlruns" if kind == "files" else "sqlite:///mlflow.db"
            known[kind] = Experiments(mlflow_python, home, uri)
        return known[kind]

    return make


@pytest.fixture(scope="module")
def served(made: Callable[[str], Experiments]) -> Iterator[str]:
    """Return the URL of a server on the database."""
    there = made("database")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(there.python, "-m", "mlflow", "server", "--backend-store-uri", there.uri),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        ],
        cwd=there.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/version", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    started = time.monotonic()
    while time.monotonic() - started < _START_S and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("MLflow's server did not start")


@pytest.fixture
def source(
    request: pytest.FixtureRequest, made: Callable[[str], Experiments]
) -> tuple[str, Experiments]:
    """Return what to import from, and the experiments there."""
    if request.param == "server":
        return request.getfixturevalue("served"), made("database")
    there = made(request.param)
    return str(there.home / ("mlruns" if request.param == "files" else "mlflow.db")), there


def read(root: Path, run: str) -> Run:
    """Return the run that one of MLflow's has become."""
    repo = open_repository(root)
    with open_index(repo) as index:
        oid = index.with_key(key_of(run))
    assert oid is not None
    return Run.read(repo, oid)


@pytest.mark.parametrize("source", KINDS, indirect=True)
def test_a_run_comes_over_whole(
    source: tuple[str, Experiments], project: Path, mlo_here: Mlo
) -> None:
    place, there = source
    done = mlo_here("import-mlflow", place, "--json").json
    assert (done["runs"], done["deleted"], done["unfinished"]) == (3, 1, 1)
    assert done["experiments"] == {"churn": 2, "Default": 1}
    run = read(project, there.ids["whole"])
    assert (run.name, run.status, run.exit_code, run.engine) == ("Gr-e-1", "done", 0, "mlflow")
    assert run.command == "train.py"
    assert run.code.commit == git(there.home, "rev-parse", "HEAD").strip()
    assert run.environment is None
    assert 0 < run.seconds < 600
    assert run.params == {
        "depth": 6,
        "group/lr": 1e-05,
        "flag": True,
        "text": "007",
        "db": "postgres://***@host/db",
    }
    assert run.metrics == {"train/loss": 1 / 3, "nan": "nan", "up": "inf", "down": "-inf"}
    assert {
        "experiment=churn",
        f"mlflow.run={there.ids['whole']}",
        "mlflow.name=Größe 1",
        "team=risk and fraud",
        "registered=churn/1 churn@champion",
    } <= set(run.tags)
    assert any(tag.startswith("dataset.train=tiny@") for tag in run.tags)
    assert run.note is not None
    assert run.note.startswith("First try,\nwith a note\nstory: long long")
    assert run.series == {"train/loss": {"count": 3, "min": 1 / 3, "max": 1}}
    part = read(project, there.ids["part"])
    assert (part.parent, part.metrics) == (run.key, {"auc": 0.5, "train/loss": 0.25})
    assert read(project, there.ids["failed"]).status == "failed"


@pytest.mark.parametrize("source", KINDS, indirect=True)
def test_artifacts_models_and_every_value_of_a_metric_come_too(
    source: tuple[str, Experiments], project: Path, mlo_here: Mlo
) -> None:
    place, there = source
    mlo_here("import-mlflow", place)
    run = read(project, there.ids["whole"])
    objects = open_repository(project).objects
    kinds = {one.path: one.kind for one in run.outputs}
    _, notes, top = run.outputs
    assert kinds == {"model": "folder", "notes": "folder", "top.json": "file"}
    assert [one.path for one in run.models] == ["model"]
    assert objects.get(top.oid) == b"{}"
    assert objects.get(dict(tree.walk(objects, notes.oid))["deep/grün.txt"].oid) == b"hello\n"
    assert run.history is not None
    lines = [json.loads(line) for line in objects.get(run.history).splitlines()]
    loss = [line for line in lines if "train/loss" in line["metrics"]]
    assert [line["step"] for line in loss] == [0, 1, 2]
    assert [line["metrics"]["train/loss"] for line in loss] == [1, 1 / 2, 1 / 3]
    assert all(abs(line["time"] - time.time()) < 3600 for line in lines)


def test_all_sources_give_the_same_record(
    made: Callable[[str], Experiments], served: str, project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    there = made("database")
    mlo_here("import-mlflow", served)
    other = tmp_path / "other"
    mlo_here("init", other)
    mlo_here("import-mlflow", there.home / "mlflow.db", cwd=other)
    for name in ("whole", "part", "failed"):
        assert read(project, there.ids[name]).id == read(other, there.ids[name]).id


def test_saying_it_again_brings_only_what_is_new(
    made: Callable[[str], Experiments], project: Path, mlo_here: Mlo
) -> None:
    there = made("files")
    place = there.home / "mlruns"
    plan = mlo_here("import-mlflow", place, "--dry-run", "--json").json
    assert mlo_here("runs", "list", "--json").stdout.count('"key"') == 0
    first = mlo_here("import-mlflow", place, "--json").json
    counted = ("runs", "experiments", "files", "bytes", "deleted", "unfinished")
    assert {name: plan[name] for name in counted} == {name: first[name] for name in counted}
    again = mlo_here("import-mlflow", place, "--json").json
    assert (again["runs"], again["present"]) == (0, first["runs"])
    later = there.run("later")["later"]
    third = mlo_here("import-mlflow", place, "--json").json
    assert (third["runs"], third["present"]) == (1, first["runs"])
    assert read(project, later).status == "done"
    mlo_here("runs", "rm", "later")
    assert mlo_here("import-mlflow", place, "--json").json["runs"] == 0


def test_deleted_and_unfinished_runs_come_when_they_are_asked_for(
    made: Callable[[str], Experiments], project: Path, mlo_here: Mlo
) -> None:
    there = made("database")
    place = there.home / "mlflow.db"
    mlo_here("import-mlflow", place, "--experiment", "Default", "--deleted", "--unfinished")
    assert read(project, there.ids["deleted"]).status == "done"
    unfinished = read(project, there.ids["unfinished"])
    assert (unfinished.status, unfinished.error) == ("killed", "MLflow never saw its end")
    again = mlo_here("import-mlflow", place, "--no-artifacts", "--json").json
    assert again["experiments"] == {"churn": 2}
    assert read(project, there.ids["whole"]).outputs == ()
    refused = mlo_here("import-mlflow", place, "--experiment", "chrun", code=2)
    assert "there is no experiment 'chrun'" in refused.stderr
    assert "churn" in refused.stderr
