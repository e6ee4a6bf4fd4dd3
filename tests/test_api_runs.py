"""Runs within runs, workers of all kinds, files in the record, and what may go wrong on the way."""

import json
import os
import random
import subprocess
import sys

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import sink
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run


@pytest.fixture
def repo(project) -> Repository:
    (project / ".mlops.yaml").write_text("params: {depth: 5}\n")
    return open_repository(project)


def script(repo: Repository, text: str, *, tracked: bool = False, code: int = 0, **env: str) -> str:
    """Run a script, under `mlo run` or by itself, and return its standard error."""
    (repo.root / "script.py").write_text("import mlops_cli.api as mlo\n" + text)
    words = [sys.executable, "script.py"]
    if tracked:
        words = [sys.executable, "-m", "mlops_cli", "run", "--name", "outer", "--", *words]
    done = subprocess.run(
        words, cwd=repo.root, env={**os.environ, **env}, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def runs(repo: Repository) -> dict[str, Run]:
    """Return all recorded runs by name."""
    fresh = open_repository(repo.root)
    with open_index(fresh) as index:
        found = [Run.read(fresh, oid) for oid in index.ids()]
    return {run.name: run for run in found}


NESTED = """
mlo.log_metric("before", 1)
for fold in range(2):
    with mlo.start_run(f"fold-{fold}", tags=["cv"], note="one fold") as run:
        mlo.log_metric("auc", fold)
        mlo.log_params({"fold": fold})
mlo.log_metric("after", 1)
try:
    with mlo.start_run("bad"):
        raise ValueError("no luck")
except ValueError:
    pass
with mlo.start_run("apart", nested=False):
    with mlo.start_run("deep"):
        mlo.log_metric("deep", 1)
left = mlo.start_run("left-open")
mlo.log_metric("left", 1)
"""


@pytest.mark.parametrize("tracked", [True, False])
def test_runs_within_runs_are_their_children(repo: Repository, tracked: bool) -> None:
    script(repo, NESTED, tracked=tracked)
    found = runs(repo)
    named = {"fold-0", "fold-1", "bad", "apart", "deep", "left-open"}
    (outer,) = (run for name, run in found.items() if name not in named)
    assert outer.metrics == {"after": 1, "before": 1}
    assert {n: run.parent for n, run in found.items() if n in named} == {
        "fold-0": outer.key,
        "fold-1": outer.key,
        "bad": outer.key,
        "apart": None,
        "deep": found["apart"].key,
        "left-open": outer.key,
    }
    assert found["fold-1"].metrics == {"auc": 1}
    assert found["fold-1"].params == {"depth": 5, "fold": 1}
    assert (found["fold-0"].tags, found["fold-0"].note) == (("cv",), "one fold")
    assert (found["bad"].status, found["bad"].error) == ("failed", "ValueError: no luck")
    assert found["left-open"].metrics == {"left": 1}
    assert outer.status == "done"


def test_a_run_for_a_notebook_is_opened_and_ended_by_hand(repo: Repository) -> None:
    script(repo, "run = mlo.start_run('cell')\nmlo.log_metric('a', 1)\nrun.end()\nrun.end()\n")
    assert {name: run.metrics for name, run in runs(repo).items()} == {"cell": {"a": 1}}


def test_threads_that_open_runs_do_not_mix(repo: Repository) -> None:
    text = """
from concurrent.futures import ThreadPoolExecutor
def work(number):
    with mlo.start_run(f"thread-{number}"):
        for step in range(20):
            mlo.log_metric("n", number, step)
with mlo.start_run("all"):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
"""
    script(repo, text)
    found = runs(repo)
    parent = found.pop("all")
    assert len(found) == 8
    assert {run.parent for run in found.values()} == {parent.key}
    for name, run in found.items():
        assert run.metrics == {"n": int(name.removeprefix("thread-"))}
        assert run.series == {"n": {"count": 20, "min": run.metrics["n"], "max": run.metrics["n"]}}


WORKERS = """
import os
from joblib import Parallel, delayed
def work(number):
    mlo.log_metric(f"n{number}", number, timestamp=1.5)
    return os.getpid()
if __name__ == "__main__":
    if {warm}:
        Parallel(2)(delayed(os.getpid)() for _ in range(4))
    mlo.log_metric("first", 0)
    pids = set()
    for backend in ("loky", "multiprocessing", "threading"):
        pids |= set(Parallel(2, backend=backend)(delayed(work)(number) for number in range(12)))
    assert len(pids) > 2
    with mlo.start_run("inner"):
        for backend in ("loky", "multiprocessing"):
            Parallel(2, backend=backend)(delayed(work)(number) for number in range(12))
    Parallel(2)(delayed(work)(number) for number in range(12))
"""


@pytest.mark.parametrize(("tracked", "warm"), [(True, False), (False, True)])
def test_workers_of_joblib_log_to_the_run_of_the_script(
    repo: Repository, tracked: bool, warm: bool
) -> None:
    told = script(repo, WORKERS.replace("{warm}", str(warm)), tracked=tracked)
    assert "RuntimeWarning" not in told
    found = runs(repo)
    inner = found.pop("inner")
    (outer,) = found.values()
    assert outer.metrics == {"first": 0, **{f"n{number}": number for number in range(12)}}
    assert outer.series["n3"]["count"] == 4
    assert inner.series["n3"]["count"] == 2
    assert inner.metrics == {f"n{number}": number for number in range(12)}
    assert not list(repo.layout.open_runs.iterdir())


def test_workers_of_a_script_that_has_no_run_say_so_and_open_none(repo: Repository) -> None:
    text = """
from joblib import Parallel, delayed
if __name__ == "__main__":
    Parallel(2)(delayed(mlo.log_metric)("a", number) for number in range(4))
"""
    assert "mlo records nothing in this worker process yet" in script(repo, text)
    assert runs(repo) == {}


FILES = """
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np, pandas as pd
figure, axes = plt.subplots()
axes.plot([1, 2])
mlo.log_figure(figure, "plots/curve.svg")
mlo.log_figure(axes, "plots/axes")
mlo.log_text("hello é\\n", "notes/hello.txt")
mlo.log_dict({"a": np.float64(0.5), "b": np.arange(2)}, "facts.json")
mlo.log_dict({"a": [1, {"b": None}]}, "facts.yaml")
mlo.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.csv")
mlo.log_table(pd.DataFrame({"x": [1]}), "frame.json")
"""


def test_figures_texts_and_tables_are_in_the_record_not_in_the_work_tree(repo: Repository) -> None:
    script(repo, FILES)
    (run,) = runs(repo).values()
    found = {one.path: repo.objects.get(one.oid) for one in run.files}
    assert found.keys() == {
        "facts.json", "facts.yaml", "frame.json", "notes/hello.txt", "plots/axes.png",
        "plots/curve.svg", "table.csv",
    }  # fmt: skip
    assert b"<svg" in found["plots/curve.svg"]
    assert found["plots/axes.png"].startswith(b"\x89PNG")
    assert found["notes/hello.txt"].decode() == "hello é\n"
    assert json.loads(found["facts.json"]) == {"a": 0.5, "b": [0, 1]}
    assert found["table.csv"] == b"x,y\n1,a\n2,b\n"
    assert {path.name for path in repo.root.iterdir() if path.is_file()} <= {
        ".gitignore", ".gitattributes", ".mlops.yaml", "script.py",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", "../x", "a//b", "/etc/x", "a/./b", "x\0"])
def test_a_file_of_the_record_cannot_lead_out_of_it(name: str, tmp_path) -> None:
    with pytest.raises(RequestError, match="cannot name a file"):
        sink.Sink(tmp_path / "run", tmp_path).file(name)


def test_tags_note_and_seeds_are_recorded(repo: Repository) -> None:
    text = """
import random, numpy as np
assert mlo.seed(7) == {"python": 7, "numpy": 7}
a = (random.random(), np.random.rand())
mlo.seed(7)
assert a == (random.random(), np.random.rand())
mlo.set_tags("baseline", team="risk")
mlo.set_note("first")
mlo.set_note("better")
for bad in (-1, 2**32, True, "7"):
    try:
        mlo.seed(bad)
        raise SystemExit(9)
    except mlo.RequestError:
        pass
"""
    script(repo, text, PYTHONHASHSEED="3")
    (run,) = runs(repo).values()
    assert run.tags == ("baseline", "team=risk")
    assert run.note == "better"
    assert run.seeds == {"PYTHONHASHSEED": "3", "numpy": 7, "python": 7}


def test_a_line_that_the_disk_cut_short_costs_only_itself(repo: Repository) -> None:
    text = """
import resource, signal
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
mlo.log_metric("a", 1)
from mlops_cli.runs import sink
size = Path(f"{sink.current().folder}.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
mlo.log_metric("lost", 2)
mlo.log_metric("lost", 3)
mlo.log_text("x" * 100, "lost.txt")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
mlo.log_metric("b", 4)
"""
    told = script(repo, text)
    assert told.count("RuntimeWarning: mlo could not record: no space left") == 1
    (run,) = runs(repo).values()
    assert run.metrics == {"a": 1, "b": 4}


def test_a_run_that_was_removed_meanwhile_does_not_end_the_training(repo: Repository) -> None:
    text = """
import shutil
mlo.log_metric("a", 1)
shutil.rmtree(".mlo/open")
mlo.log_params({"a": 1})
mlo.log_text("x", "x.txt")
print("trained")
"""
    assert "mlo could not record" in script(repo, text)


def test_a_script_of_its_own_is_sampled_as_it_logs(repo: Repository) -> None:
    text = """
import time
mlo.log_metric("a", 0)  # begins the run, which takes its own time
begun = time.process_time()
while time.process_time() < begun + 0.4:
    mlo.log_metric("a", 1)
"""
    script(repo, text)
    (run,) = runs(repo).values()
    assert run.samples is not None
    assert 0 < run.usage["cpu_s"] < 5
    assert run.usage["memory_peak_bytes"] > 2**20


def test_many_lines_at_the_very_end_are_recorded_too(repo: Repository) -> None:
    text = "for i in range(30_000): mlo.log_metric('loss', 1 / (i + 1), i)\n"
    assert "RuntimeWarning" not in script(repo, text)
    (run,) = runs(repo).values()
    assert run.status == "done"
    assert run.series["loss"]["count"] == 30_000


def test_outside_of_a_project_runs_and_files_are_no_obstacle(tmp_path) -> None:
    text = (
        "import mlops_cli.api as mlo\nwith mlo.start_run('a') as run: mlo.log_metric('a', 1)\n"
        "mlo.log_text('x', 'y'); mlo.set_tags('a'); mlo.seed(1); print('end', run.key)"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "end \n"
    assert done.stderr.count("RuntimeWarning") == 1


def test_seeding_is_the_same_as_by_hand() -> None:
    from mlops_cli.runs import seeds

    random.seed(5)
    wanted = random.random()
    seeds.seed(5)
    assert random.random() == wanted
