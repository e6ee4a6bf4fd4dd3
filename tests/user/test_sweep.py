"""`mlo sweep` as a user types it, on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Mlo, git

SETTINGS = """\
params: {x: 1, y: 1, kind: a}
steps:
  prepare:
    cmd: echo prepared >> "$PREPARED"; sort raw.csv > clean.csv
    deps: [raw.csv]
    outs: [clean.csv]
  train:
    cmd: >-
      test "${kind}" != bad && cat clean.csv > model &&
      awk 'BEGIN{printf "{\\"score\\": %s, \\"cost\\": %s}", ${x} * 10 - ${y}, ${x}}' > metrics.json
    deps: [clean.csv]
    outs: [model]
    metrics: [metrics.json]
sweeps:
  small:
    step: train
    params:
      x: int(1, 3)
      y: 5
    metrics: {score: max}
    sampler: grid
"""


@pytest.fixture
def swept(project: Path, mlo_here: Mlo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a project with data that is versioned, and a change that is not committed."""
    monkeypatch.setenv("PREPARED", str(tmp_path / "prepared"))
    (project / ".mlops.yaml").write_text(SETTINGS)
    (project / "raw.csv").write_text("b\na\n")
    mlo_here("add", "raw.csv")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Steps")
    return project


def test_a_grid_finds_the_best_point_and_leaves_the_tree_alone(
    swept: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    (swept / ".mlops.yaml").write_text(SETTINGS.replace("kind: a", "kind: c"))
    before = sorted(path.name for path in swept.iterdir()), git(swept, "status", "--short")
    done = mlo_here("sweep", "train", "-s", "x=int(1,3)", "-s", "y=choice(5, 7)", "-m", "score",
                    "--sampler", "grid", "--jobs", "2", "--json")  # fmt: skip
    found = done.json
    assert (found["status"], len(found["trials"])) == ("done", 6)
    assert [trial["params"] for trial in found["best"]] == [{"x": 3, "y": 5}]
    assert found["best"][0]["values"] == [25]
    assert (tmp_path / "prepared").read_text() == "prepared\n", "what is the same is made once"
    assert (
        sorted(path.name for path in swept.iterdir()),
        git(swept, "status", "--short"),
    ) == before
    assert git(swept, "worktree", "list").count("\n") == 1

    listed = mlo_here("runs", "list", "--json").json["runs"]
    assert [run["name"] for run in listed] == [found["name"]], "trials are behind their sweep"
    assert listed[0]["metrics"] == {"score": 25}
    assert listed[0]["children"] == 6, "and what they share is none of them"
    assert {name: listed[0]["params"][name] for name in "xy"} == {"x": 3, "y": 5}

    whole = mlo_here("runs", "show", found["name"], "--json").json
    assert whole["series"]["score"]["count"] == 6, "a point for each trial"
    shown = mlo_here("runs", "show", found["name"]).stdout
    assert "6 done: " in shown
    assert f"steps that they share: {found['name']}-steps" in shown

    best = mlo_here("runs", "show", f"{found['name']}-{found['best'][0]['number']}", "--json").json
    assert best["parent"]["key"] == found["key"]
    assert best["params"]["kind"] == "c", "the code is as it was, committed or not"


def test_the_best_trial_is_brought_back_without_running(swept: Path, mlo_here: Mlo) -> None:
    done = mlo_here("sweep", "train", "-s", "x=int(1,3)", "-m", "score", "--sampler", "grid")
    assert "best: score 29, trial 2" in done.stdout
    line = next(one for one in done.stdout.splitlines() if one.startswith("use it: mlo "))
    again = mlo_here(*line.removeprefix("use it: mlo ").split())
    assert "brought back from run" in again.stderr
    assert json.loads((swept / "metrics.json").read_text())["score"] == 29


def test_a_sweep_may_be_in_the_settings(swept: Path, mlo_here: Mlo) -> None:
    done = mlo_here("sweep", "small", "--json")
    assert [trial["values"] for trial in done.json["trials"]] == [[5], [15], [25]]


def test_one_trial_is_one_trial(swept: Path, mlo_here: Mlo) -> None:
    done = mlo_here("sweep", "train", "-s", "x=int(1, 3)", "-m", "score", "--trials", "1")
    assert done.stderr.startswith("sweep of train: 1 trial, tpe, for max score\n")


def test_several_metrics_have_a_front(swept: Path, mlo_here: Mlo) -> None:
    done = mlo_here("sweep", "train", "-s", "x=int(1,3)", "-s", "y=choice(1, 2)", "-m", "score",
                    "-m", "cost", "--direction", "max", "--direction", "min",
                    "--sampler", "grid", "--json")  # fmt: skip
    assert [trial["params"] for trial in done.json["best"]] == [
        {"x": 3, "y": 1},
        {"x": 2, "y": 1},
        {"x": 1, "y": 1},
    ]


def test_the_same_seed_makes_the_same_choices(swept: Path, mlo_here: Mlo) -> None:
    line = ("sweep", "train", "-s", "x=uniform(0, 1)", "-m", "score", "--trials", "3")
    one, two = (mlo_here(*line, "--seed", "4", "--json").json["trials"] for _ in range(2))
    assert [trial["params"] for trial in one] == [trial["params"] for trial in two]


def test_the_same_point_again_costs_no_run(swept: Path, mlo_here: Mlo, tmp_path: Path) -> None:
    done = mlo_here("sweep", "train", "-s", "x=choice(2, 2.0)", "-s", "y=int(1, 1)", "-m", "score",
                    "--trials", "4", "--sampler", "random", "--seed", "1", "--json")  # fmt: skip
    trials = done.json["trials"]
    assert [trial["state"] for trial in trials] == ["done"] * 4
    assert {trial["values"][0] for trial in trials} == {19}
    assert len({trial["run"] for trial in trials}) < 4


def test_a_trial_that_fails_is_no_more_than_that(swept: Path, mlo_here: Mlo) -> None:
    done = mlo_here("sweep", "train", "-s", "kind=choice(a, bad)", "-m", "score", "--sampler",
                    "grid", "--json")  # fmt: skip
    assert [trial["state"] for trial in done.json["trials"]] == ["done", "failed"]
    assert "step 'train' failed" in done.json["trials"][1]["error"]


def test_a_sweep_of_which_nothing_comes_ends_early(swept: Path, mlo_here: Mlo) -> None:
    done = mlo_here("sweep", "train", "-s", "x=uniform(1, 9)", "-s", "kind=bad", "-m", "score",
                    "--trials", "50", code=3)  # fmt: skip
    assert "the first 5 trials failed" in done.stderr
    assert len(mlo_here("runs", "list", "--children", "--json").json["runs"]) == 7


NAN = """\
params: {x: 1}
steps:
  train:
    cmd: 'echo "{\\"score\\": NaN, \\"x\\": ${x}}" > metrics.json'
    metrics: [metrics.json]
"""


def test_a_metric_that_is_nan_fails_the_trial(swept: Path, mlo_here: Mlo) -> None:
    (swept / ".mlops.yaml").write_text(NAN)
    done = mlo_here("sweep", "train", "-s", "x=int(1, 2)", "-m", "score", "--sampler", "grid",
                    "--json", code=1)  # fmt: skip
    assert [trial["error"] for trial in done.json["trials"]] == ["score is nan"] * 2
    assert done.json["error"] == "no trial was done"
    trials = [f"{done.json['name']}-{number}" for number in (0, 1)]
    runs = [mlo_here("runs", "show", name, "--json").json for name in trials]
    assert [run["status"] for run in runs] == ["failed"] * 2, "as the sweep says"


def test_a_trial_that_does_not_report_the_metric_is_no_run_that_was_done(
    swept: Path, mlo_here: Mlo
) -> None:
    done = mlo_here("sweep", "train", "-s", "x=int(1, 2)", "-m", "acc", code=2)
    assert "does not report 'acc'; it reports cost, score" in done.stderr
    runs = mlo_here("runs", "list", "--children", "--json").json["runs"]
    (trial,) = [run for run in runs if run["name"].endswith("-0")]
    assert (trial["status"], "cost" in trial["metrics"]) == ("failed", True)
    told = mlo_here("runs", "show", trial["key"], "--json").json["error"]
    assert told == "step 'train' did not report 'acc'"


BAD = [
    (["trian", "-s", "x=int(1,2)", "-m", "score"], "there is no step 'trian'", "train"),
    (["train", "-s", "x=int(1,", "-m", "score"], "x: this '(' is not closed\n    int(1,", None),
    (["train", "-s", "x=lag(1, 2)", "-m", "score"], "'lag' is no kind of range", "log(1e-4"),
    (["train", "-s", "x=log(0, 2)", "-m", "score"], "log begins above 0\n    log(0, 2)", "log("),
    (["train", "-s", "z=int(1, 2)", "-m", "score"], "there is no parameter 'z'", "there are"),
    (["prepare", "-s", "x=int(1, 2)", "-m", "score"], "reads the parameter 'x'", "params:"),
    (["train", "-m", "score"], "has nothing to search", "--set"),
    (["train", "-s", "x=int(1, 2)"], "nothing says what is good", "--metric auc"),
    (["train", "-s", "x=uniform(0, 1)", "-m", "score", "--sampler", "grid"], "no end", "choice("),
    (["train", "-s", "x=int(1, 999)", "-s", "y=int(1, 999)", "-m", "score", "--sampler", "grid"],
     "998,001 points (999 x 999)", "--trials"),
    (["train", "-s", "x=int(1, 2)", "-m", "acc"], "does not report 'acc'; it reports cost, score",
     "--metric"),
    (["train", "-s", "x=int(1, 2)", "-m", "score", "--sampler", "tep"], "'tep'", "tpe"),
    (["train", "-s", "x=int(1, 2)", "-m", "score", "-m", "cost", "--pruner", "median"],
     "pruned by one metric only", "--pruner none"),
    (["train", "-s", "x=int(1, 2)", "-m", "score", "--engine", "ray://x"], "no engine", "dask://"),
    (["train", "-s", "x=int(1, 2)", "-m", "score", "--engine", "dask://h:1"], "there is none",
     "mlo remote add"),
    (["--resume", "nothing"], "there is no run 'nothing'", "mlo runs list"),
    ([], "what is to be searched is missing", "mlo sweep STEP"),
]  # fmt: skip


def test_what_cannot_be_searched_is_told_before_anything_runs(swept: Path, mlo_here: Mlo) -> None:
    wrong = {}
    for words, message, hint in BAD:
        done = mlo_here("sweep", *words, code=None)
        told = message in done.stderr and (hint is None or hint in done.stderr)
        told = told and (not done.stderr.startswith("sweep of") or "does not report" in message)
        if done.code != 2 or not told or "Traceback" in done.stderr:
            wrong[" ".join(words)] = done
    assert wrong == {}


def test_data_that_is_neither_in_git_nor_versioned_is_told(swept: Path, mlo_here: Mlo) -> None:
    (swept / ".gitignore").write_text("secret.csv\n")
    (swept / "secret.csv").write_text("1\n")
    (swept / ".mlops.yaml").write_text(SETTINGS.replace("deps: [clean.csv]", "deps: [secret.csv]"))
    done = mlo_here("sweep", "train", "-s", "x=int(1, 2)", "-m", "score", code=2)
    assert "trials do not see" in done.stderr
    assert "mlo add secret.csv" in done.stderr


PRUNED = """\
params: {x: 1}
steps:
  train:
    cmd: >-
      for step in 0 1 2; do
      echo '{"time": 1, "metrics": {"score": ${x}}, "step": '$step', "by": "train"}'
      >> "$MLO_RUN_DIR.jsonl"; done; test ${x} -ne 0 || sleep 60
"""


def test_a_trial_that_looks_bad_is_stopped_early(swept: Path, mlo_here: Mlo) -> None:
    (swept / ".mlops.yaml").write_text(PRUNED)
    done = mlo_here("sweep", "train", "-s", "x=choice(5, 6, 7, 8, 9, 0)", "-m", "score",
                    "--sampler", "grid", "--pruner", "median", "--json")  # fmt: skip
    *others, last = done.json["trials"]
    assert [trial["state"] for trial in others] == ["done"] * 5
    assert (last["state"], last["values"]) == ("pruned", [])
    assert last["error"].startswith("pruned at step")
    assert mlo_here("runs", "show", f"{done.json['name']}-5", "--json").json["status"] == (
        "interrupted"
    )


SLOW = """\
params: {x: 1}
steps:
  train:
    cmd: >-
      echo '{"score": ${x}}' > metrics.json; echo ${x} >> "$BEGUN"; test ${x} -lt 2 || sleep 60
    metrics: [metrics.json]
"""


@pytest.fixture
def slow(swept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the project with trials of which the third waits for a minute."""
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    (swept / ".mlops.yaml").write_text(SLOW)
    return swept


def begun(tmp_path: Path, *, until: str, sweeping: "subprocess.Popen[bytes]") -> None:
    path = tmp_path / "begun"
    for _ in range(3000):
        if path.exists() and until in path.read_text().split():
            return
        assert sweeping.poll() is None, sweeping.communicate()
        time.sleep(0.02)
    raise AssertionError("the trial never began")


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a sweep in a process of its own, which does not outlive the test."""
    started = []

    def call(*words: str) -> "subprocess.Popen[bytes]":
        line = [Path(sys.executable).parent / "mlo", "sweep", *words]
        sweeping = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(sweeping)
        return sweeping

    yield call
    for sweeping in started:
        if sweeping.poll() is None:
            sweeping.kill()
        sweeping.communicate()


GRID = ("train", "-s", "x=int(0, 3)", "-m", "score", "--sampler", "grid", "--name", "slow")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_that_was_stopped_is_gone_on_with(
    slow: Path, mlo_here: Mlo, start: Start, tmp_path: Path, how: signal.Signals
) -> None:
    sweeping = start(*GRID)
    begun(tmp_path, until="2", sweeping=sweeping)
    sweeping.send_signal(how)
    _, stderr = sweeping.communicate(timeout=60)
    if how != signal.SIGKILL:
        assert sweeping.returncode == 128 + how, stderr.decode()
        assert mlo_here("runs", "show", "slow", "--json").json["exit_code"] == 128 + how
        assert b"go on: mlo sweep --resume slow" in stderr
    few = mlo_here("sweep", "--resume", "slow", "--trials", "1", code=2)
    assert "has 2 trials already, and --trials 1 is how many" in few.stderr
    assert few.stderr.endswith("try: mlo sweep --resume slow\n"), "two of four are left"
    (slow / ".mlops.yaml").write_text("params: {x: 1}\n")  # what is gone on with is as it was
    os.environ["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    (tmp_path / "sleep").write_text("#!/bin/sh\nexit 0\n")  # no trial waits any more
    (tmp_path / "sleep").chmod(0o755)
    done = mlo_here("sweep", "--resume", "slow", "--json").json
    assert [(one["params"]["x"], one["state"]) for one in done["trials"]] == [
        (x, "done") for x in (0, 1, 2, 3)
    ]
    assert (tmp_path / "begun").read_text().split() == ["0", "1", "2", "2", "3"]
    statuses = [run["status"] for run in mlo_here("runs", "list", "--json").json["runs"]]
    assert statuses == ["done", "killed" if how == signal.SIGKILL else "interrupted"]
    again = mlo_here("sweep", "--resume", done["key"], code=2)
    assert "has all its 4 trials" in again.stderr


def test_a_sweep_stopped_at_the_steps_its_trials_share_is_gone_on_with(
    slow: Path, mlo_here: Mlo, start: Start, tmp_path: Path
) -> None:
    wait = tmp_path / "wait"
    wait.touch()
    prep = f"echo 2 >> $BEGUN; test ! -e {wait} || sleep 60; echo > prep"
    text = SLOW.replace("metrics: [", "deps: [prep]\n    metrics: [")
    (slow / ".mlops.yaml").write_text(f"{text}  prep:\n    cmd: '{prep}'\n    outs: [prep]\n")
    sweeping = start(
        "train", "-s", "x=int(0, 1)", "-m", "score", "--sampler", "grid", "--name", "s"
    )
    begun(tmp_path, until="2", sweeping=sweeping)
    sweeping.send_signal(signal.SIGTERM)
    assert b"go on: mlo sweep --resume s" in sweeping.communicate(timeout=60)[1]
    assert sweeping.returncode == 128 + signal.SIGTERM
    assert mlo_here("runs", "show", "s", "--json").json["status"] == "interrupted"
    wait.unlink()
    assert "2 trials: 2 done" in mlo_here("sweep", "--resume", "s").stdout


def test_a_sweep_whose_trials_all_failed_is_gone_on_with(
    swept: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    found = tmp_path / "found"
    cmd = f"test -e {found} && echo '{{\"score\": ${{x}}}}' > metrics.json"
    settings = {"params": {"x": 1}, "steps": {"train": {"cmd": cmd, "metrics": ["metrics.json"]}}}
    (swept / ".mlops.yaml").write_text(json.dumps(settings))
    line = ("train", "-s", "x=int(1, 2)", "-m", "score", "--sampler", "grid", "--name", "poor")
    failed = mlo_here("sweep", *line, code=1)
    assert "go on: mlo sweep --resume poor" in failed.stderr
    found.touch()
    done = mlo_here("sweep", "--resume", "poor")
    assert "goes on with poor, of which none was done" in done.stderr
    assert "2 trials: 2 done" in done.stdout


def test_a_sweep_at_work_is_not_gone_on_with(
    slow: Path, mlo_here: Mlo, start: Start, tmp_path: Path
) -> None:
    sweeping = start(*GRID)
    begun(tmp_path, until="2", sweeping=sweeping)
    refused = mlo_here("sweep", "--resume", "slow", code=3)
    assert "is still at work" in refused.stderr
    other = mlo_here("sweep", "train", "-s", "x=int(0, 1)", "-m", "score", "--sampler", "grid")
    assert "2 trials: 2 done" in other.stdout, "two sweeps at once do not meet"
    sweeping.send_signal(signal.SIGINT)
    sweeping.communicate(timeout=60)


def test_without_the_extra_no_run_is_begun(
    swept: Path, mlo_here: Mlo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = mlo_here("sweep", "train", "-s", "x=int(1, 2)", "-m", "score", code=2)
    assert done.stderr == (
        "mlo: sweeps need Optuna, which is not installed\n  try: pip install 'mlo[sweep]'\n"
    )
    assert mlo_here("runs", "list", "--json").json["runs"] == []
