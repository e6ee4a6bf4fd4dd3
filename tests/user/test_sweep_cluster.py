"""`mlo sweep --engine dask://...`: workers that share nothing with the project but a remote."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Mlo, git
from tests.servers.dask_cluster import DaskCluster, dask_cluster

SETTINGS = """\
params: {x: 1}
steps:
  prepare:
    cmd: echo prepared >> "$NOTES/prepared"; sort raw.csv > clean.csv
    deps: [raw.csv]
    outs: [clean.csv]
  train:
    cmd: >-
      pwd >> "$NOTES/folders"; echo ${x} >> "$NOTES/begun";
      if test ${x} -eq 13; then kill -9 $PPID; fi;
      while test ${x} -ge 50 && test ! -e "$NOTES/go"; do sleep 0.05; done;
      cat clean.csv > model; echo ${x} >> model; echo '{"score": ${x}}' > metrics.json
    deps: [clean.csv]
    outs: [model]
    metrics: [metrics.json]
"""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that steps write to for the test: what they do is seen by nothing else."""
    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.setenv("NOTES", str(folder))
    return folder


@pytest.fixture
def cluster(notes: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DaskCluster]:
    """Start two workers, or as many as a test asks for."""
    workers = getattr(request, "param", 2)
    with dask_cluster(tmp_path / "elsewhere", workers=workers, allowed_failures=0) as found:
        yield found


@pytest.fixture
def shared(project: Path, mlo_here: Mlo, tmp_path: Path) -> Path:
    """Return a project in a folder of git's work tree, with data and a remote, not committed."""
    (project / ".mlops.yaml").write_text(SETTINGS)
    (project / "raw.csv").write_text("b\na\n")
    mlo_here("add", "raw.csv")
    mlo_here("remote", "add", "origin", str(tmp_path / "remote"))
    return project


Sweeping = "subprocess.Popen[bytes]"


@pytest.fixture
def start(shared: Path, cluster: DaskCluster) -> Iterator[Callable[..., Sweeping]]:
    started = []

    def call(*words: str) -> Sweeping:
        program = Path(sys.executable).parent / "mlo"
        line = [program, "sweep", "--engine", cluster.url, *words]
        started.append(subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield call
    for sweeping in started:
        if sweeping.poll() is None:
            sweeping.kill()
        sweeping.communicate()


def begun(notes: Path, sweeping: "subprocess.Popen[bytes]", *wanted: str) -> None:
    path = notes / "begun"
    for _ in range(6000):
        if path.exists() and set(wanted) <= set(path.read_text().split()):
            return
        assert sweeping.poll() is None, sweeping.communicate()
        time.sleep(0.01)
    raise AssertionError("the trials never began")


def trials(mlo_here: Mlo, key: str) -> dict[str, str]:
    """Return the status of each run of a sweep's trials by name; two of one name fail the test."""
    runs = mlo_here("runs", "list", "--children", "--json").json["runs"]
    found = [run for run in runs if run["name"].startswith("far-") and run["name"] != "far-steps"]
    assert len({run["name"] for run in found}) == len(found)
    return {run["name"]: run["status"] for run in found}


def test_a_killed_worker_and_a_poison_trial_cost_no_other_trial(
    shared: Path, cluster: DaskCluster, notes: Path, mlo_here: Mlo, start: Callable[..., Sweeping]
) -> None:
    sweeping = start("train", "-s", "x=choice(1, 50, 51, 13, 2, 3)", "-m", "score", "--sampler",
                     "grid", "--name", "far", "--json")  # fmt: skip
    begun(notes, sweeping, "50", "51")
    (notes / "go").touch()
    cluster.kill_worker(0)
    stdout, stderr = sweeping.communicate(timeout=120)
    assert sweeping.returncode == 0, stderr.decode()
    found = json.loads(stdout)
    ended = {trial["params"]["x"]: trial["state"] for trial in found["trials"]}
    assert ended == {1: "done", 50: "done", 51: "done", 13: "failed", 2: "done", 3: "done"}
    assert found["engine"] == cluster.url
    assert trials(mlo_here, found["key"]) == {f"far-{n}": "done" for n in (0, 1, 2, 4, 5)}
    assert (notes / "prepared").read_text() == "prepared\n"
    folders = {Path(line) for line in (notes / "folders").read_text().split()}
    assert all(folder.is_relative_to(cluster.folder) for folder in folders)
    assert git(shared, "worktree", "list").count("\n") == 1

    best = mlo_here("runs", "show", "far-2", "--json").json
    assert {out["path"] for out in best["outputs"]} >= {"model", "metrics.json"}
    mlo_here("run", "train", "--set", "x=51")
    assert (shared / "model").read_text() == "a\nb\n51\n", "outputs of the best are here"
    assert mlo_here("audit", "--verify").code == 0


@pytest.mark.parametrize("cluster", [1], indirect=True)
def test_a_dead_scheduler_loses_no_trial_that_was_done(
    shared: Path, cluster: DaskCluster, notes: Path, mlo_here: Mlo, start: Callable[..., Sweeping]
) -> None:
    sweeping = start("train", "-s", "x=choice(1, 2, 50)", "-m", "score", "--sampler", "grid",
                     "--name", "far", "--jobs", "1")  # fmt: skip
    begun(notes, sweeping, "50")
    cluster.kill_scheduler()
    _, stderr = sweeping.communicate(timeout=60)
    assert sweeping.returncode == 5, stderr.decode()
    assert "is gone" in stderr.decode()
    assert "mlo sweep --resume far" in stderr.decode()
    assert trials(mlo_here, "far") == {"far-0": "done", "far-1": "done"}
    (notes / "go").touch()
    done = mlo_here("sweep", "--resume", "far", "--name", "near", "--json").json
    assert [(trial["number"], trial["run"] is not None, trial["values"]) for trial in
            done["trials"]] == [(0, True, [1]), (1, True, [2]), (3, True, [50])]  # fmt: skip
    assert (notes / "begun").read_text().split() == ["1", "2", "50", "50"]
