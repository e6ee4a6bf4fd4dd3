import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.runs.find import resolve
from mlops_cli.runs.listing import listing
from mlops_cli.runs.record import Run
from tests.conftest import git


@pytest.fixture
def repo(project: Path) -> Repository:
    (project / ".mlops.yaml").write_text("params: {train: {depth: 5}, seed: 7}\n")
    return open_repository(project)


def script(repo: Repository, text: str, *, code: int = 0, tracked: bool = False, **env: str) -> str:
    """Run a script, under `mlo run` or by itself, and return its standard error."""
    (repo.root / "script.py").write_text("import mlops_cli.api as mlo\n" + text)
    words = [sys.executable, "script.py"]
    if tracked:
        words = [sys.executable, "-m", "mlops_cli", "run", "--", *words]
    done = subprocess.run(
        words, cwd=repo.root, env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def last(repo: Repository) -> Run:
    return resolve(open_repository(repo.root), "last")


EVERYTHING = """\
from pathlib import Path
import numpy as np
mlo.log_params({"model": {"kind": "forest", "n": np.int64(3)}})
for epoch in range(3):
    mlo.log_metric("loss", 1 / (epoch + 1), epoch)
mlo.log_metrics({"auc": np.float32(0.5), "bad": float("nan"), "n": 4})
Path("plot.txt").write_text("x")
mlo.log_artifact("plot.txt")
mlo.log_input("script.py")
"""


@pytest.mark.parametrize("tracked", [True, False])
def test_everything_logged_is_in_the_record(repo: Repository, tracked: bool) -> None:
    script(repo, EVERYTHING, tracked=tracked)
    run = last(repo)
    assert run.status == "done"
    assert run.metrics == {"auc": 0.5, "bad": "nan", "loss": 1 / 3, "n": 4}
    assert run.params == {"model.kind": "forest", "model.n": 3, "seed": 7, "train.depth": 5}
    assert [one.path for one in run.outputs] == ["plot.txt"]
    assert [one.path for one in run.inputs] == ["script.py"]
    assert run.history is not None
    lines = [json.loads(line) for line in repo.objects.get(run.history).splitlines()]
    assert [line["step"] for line in lines if "step" in line] == [0, 1, 2]
    assert listing(repo).total == 1


@pytest.mark.parametrize("tracked", [True, False])
def test_git_ignores_what_was_logged_but_not_what_it_tracks(
    repo: Repository, tracked: bool
) -> None:
    for name in ("kept.txt", "known/kept.txt"):
        (repo.root / name).parent.mkdir(exist_ok=True)
        (repo.root / name).write_text("x")
    git(repo.root, "add", "kept.txt", "known", ".mlops.yaml")
    before = (repo.root / ".gitignore").read_text()
    also = "mlo.log_artifact('kept.txt')\nmlo.log_artifact('known')\n"
    script(repo, EVERYTHING + also, tracked=tracked)
    assert git(repo.root, "ls-files", "--others", "--exclude-standard") == "script.py\n"
    after = (repo.root / ".gitignore").read_text()
    assert "/plot.txt\n" in after.removeprefix(before)
    assert "kept" not in after
    assert "known" not in after
    script(repo, EVERYTHING)
    assert (repo.root / ".gitignore").read_text() == after


def test_a_script_that_fails_by_itself_is_recorded_as_failed(repo: Repository) -> None:
    script(repo, "mlo.log_metric('a', 1)\nraise ValueError('no luck')\n", code=1)
    run = last(repo)
    assert (run.status, run.error) == ("failed", "ValueError: no luck")
    assert run.metrics == {"a": 1}


def test_a_script_says_at_its_end_which_run_it_was(repo: Repository) -> None:
    said = script(repo, "mlo.log_metric('a', float('inf'))\n")
    name = last(repo).name
    assert said.startswith(f"mlo: run {name} done in ")
    assert said.endswith(" s; a metric is no finite number: 'a' is inf\n")
    failed = script(repo, "with mlo.start_run('try'): mlo.log_metric('a', 1); 1 / 0\n", code=1)
    assert failed.count("mlo: run try failed in ") == 1
    assert "mlo: run" not in script(repo, "mlo.log_metric('a', 1)\n", MLO_QUIET="1")
    inner = script(repo, "with mlo.start_run('in'): pass\n", tracked=True)
    assert inner.count("mlo: run") == 1, "a run within another says nothing"


def test_a_script_that_logs_nothing_makes_no_run(repo: Repository) -> None:
    script(repo, "mlo.params()\n")
    assert listing(repo).total == 0


def test_worker_processes_log_to_the_run_of_the_script(repo: Repository) -> None:
    text = """
import multiprocessing, os, threading
def work(number):
    mlo.log_metric(f"n{number}", number)
if __name__ == "__main__":
    mlo.log_metric("first", 0)
    for kind in ("fork", "spawn"):
        with multiprocessing.get_context(kind).Pool(2) as pool:
            pool.map(work, range(10) if kind == "fork" else range(10, 20))
    threads = [threading.Thread(target=work, args=[20 + i]) for i in range(10)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    if os.fork() == 0:
        raise SystemExit
    os.wait()
"""
    script(repo, text)
    assert listing(repo).total == 1
    assert len(last(repo).metrics) == 31


def test_a_script_killed_in_the_middle_keeps_its_metrics(repo: Repository) -> None:
    script(repo, "import os\nmlo.log_metric('a', 1)\nos.kill(os.getpid(), 9)\n", code=-9)
    run = last(repo)
    assert (run.status, run.metrics) == ("killed", {"a": 1})


def test_parameters_come_from_the_run_or_from_the_settings(repo: Repository) -> None:
    text = "p = mlo.params()\nassert (p.train.depth, p['seed']) == (DEPTH, 7), p\n"
    script(repo, text.replace("DEPTH", "5"))
    (repo.root / "script.py").write_text(
        "import mlops_cli.api as mlo\n" + text.replace("DEPTH", "9")
    )
    subprocess.run(
        [sys.executable, "-m", "mlops_cli", "run", "--set", "train.depth=9", "--"]
        + [sys.executable, "script.py"],
        cwd=repo.root,
        check=True,
    )


def test_a_parameter_that_is_not_there_says_which_are(repo: Repository) -> None:
    import mlops_cli.api as mlo

    with pytest.raises(AttributeError, match="no parameter 'dept' here; there are depth"):
        _ = mlo.params().train.dept


def test_outside_of_a_project_logging_warns_once_and_training_goes_on(tmp_path: Path) -> None:
    text = "import mlops_cli.api as mlo\nfor i in range(3): mlo.log_metric('a', i)\nprint('end')"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "end\n"
    assert (
        done.stderr.count("RuntimeWarning: mlo records nothing: this folder is in no project") == 1
    )


def test_a_full_disk_warns_once_and_training_goes_on(repo: Repository) -> None:
    text = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
mlo.log_metric("a", 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
for i in range(3): mlo.log_metric("a", 2)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
"""
    told = script(repo, text)
    assert told.count("mlo could not record: file too large") == 1
    assert last(repo).metrics == {"a": 1}


def test_text_that_is_none_ends_no_training_and_hides_no_run(repo: Repository) -> None:
    text = """
mlo.log_params({"name": "half a pair \\ud800", "kept": "é"})
mlo.log_metric("auc", 1)
mlo.set_note("bytes \\udcff")
raise ValueError("\\ud83d")
"""
    script(repo, text, code=1)
    (run,) = listing(open_repository(repo.root)).runs
    assert (run.status, run.metrics, run.params["kept"]) == ("failed", {"auc": 1}, "é")
    assert run.note == "bytes ?"


def test_no_room_to_begin_a_run_does_not_end_the_training(repo: Repository) -> None:
    text = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with mlo.start_run("before"):
    mlo.log_metric("a", 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
with mlo.start_run("none"):
    mlo.log_metric("b", 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
with mlo.start_run("after"):
    mlo.log_metric("b", 1)
"""
    assert script(repo, text).count("mlo records nothing: cannot write") == 1
    assert (last(repo).name, last(repo).metrics) == ("after", {"b": 1})


WRONG = """
mlo.log_param("depth", 3)
for n in range(2):
    mlo.log_metrics({"auc": AUC, "ok": n})
mlo.log_metric("late", 1, step="x")
mlo.log_metric("when", 1, timestamp="noon")
mlo.log_params("x")
mlo.log_params({"model": object(), "kind": "a"})
mlo.log_metrics(3)
mlo.set_tags("good", "a, b")
for path in ("../elsewhere", "/etc/hostname", "gone.txt"):
    mlo.log_artifact(path)
mlo.log_figure(3, "plot")
mlo.log_text("x", "../plot")
mlo.log_dict({"a": object()}, "a.json")
print("trained")
"""
SAID = [
    "the step 'x' of a metric is no whole number",
    "the timestamp 'noon' is neither seconds nor a datetime",
    "parameters are given by name, as in {'depth': 3}, not as a text",
    "the parameter 'model': an object is neither text, number, list nor mapping",
    "metrics are given by name, as in {'depth': 3}, not as an int",
    "'../elsewhere' is outside the project",
    "'/etc/hostname' is outside the project",
    "there is nothing at 'gone.txt' to log",
    "an int is no figure",
    "'../plot' cannot name a file of the record",
    "'a.json' cannot be written",
]


@pytest.mark.parametrize("auc", ["'0.5'", "None", "[1]"])
def test_what_cannot_be_recorded_is_said_once_and_training_goes_on(
    repo: Repository, auc: str
) -> None:
    (repo.root.parent / "elsewhere").write_text("x")
    said = script(repo, WRONG.replace("AUC", auc))
    assert said.count("mlo leaves out what cannot be recorded: the metric 'auc' is") == 1
    assert [text for text in SAID if said.count(text) != 1] == []
    assert "Traceback" not in said
    run = last(repo)
    assert (run.status, run.metrics) == ("done", {"ok": 1, "late": 1, "when": 1})
    assert {name: run.params[name] for name in ("depth", "kind")} == {"depth": 3, "kind": "a"}
    assert run.tags == ("good",)
    assert (run.outputs, run.files) == ((), ())


def test_a_model_is_logged_with_what_it_takes_and_loads_again(repo: Repository) -> None:
    text = """
import pandas as pd
from sklearn.linear_model import LinearRegression
frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [0.0, 1, 0], "y": [1.0, 2, 3]})
frame.to_csv("train.csv", index=False)
model = LinearRegression().fit(frame[["a", "b"]], frame["y"])
assert str(mlo.log_model(model, "model", data="train.csv", target="y")) == "model"
assert abs(mlo.load_model("model").predict(frame)[1] - 2) < 1e-9
"""
    script(repo, text)
    run = last(repo)
    assert (run.models[0].path, run.models[0].data, run.models[0].target) == (
        "model",
        "train.csv",
        "y",
    )
    assert [one.path for one in run.outputs] == ["model"]
    assert [one.path for one in run.inputs] == ["train.csv"]
    described = json.loads((repo.root / "model/mlo-model.json").read_text())
    assert [column["name"] for column in described["signature"]["columns"]] == ["a", "b"]


def test_importing_it_loads_no_data_library() -> None:
    text = (
        "import sys; before = set(sys.modules); import mlops_cli.api; "
        "print([m for m in ('numpy','pandas','sklearn','git','yaml','sqlite3','subprocess')"
        " if m in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_logging_has_no_warning_of_its_own(repo: Repository) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        script(repo, "mlo.log_metric('a', 1)\n", PYTHONWARNINGS="error")
