"""`mlo run` and `mlo runs` as a user types them: output, exit codes, Ctrl-C, kills, two at once."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mlops_cli.core.lock import hold
from tests.conftest import Mlo, git

MLO = Path(sys.executable).parent / "mlo"
SETTINGS = """\
params: {train: {depth: 5}}
steps:
  prepare:
    cmd: sort raw.csv > train.csv
    deps: [raw.csv]
    outs: [train.csv]
  train:
    cmd: echo '{"depth":${train.depth}}' > metrics.json; cp train.csv model
    deps: [train.csv]
    outs: [model]
    metrics: [metrics.json]
"""


@pytest.fixture
def pipeline(project: Path) -> Path:
    """Return a committed project with a pipeline of two steps."""
    (project / ".mlops.yaml").write_text(SETTINGS)
    (project / "raw.csv").write_text("b\na\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Pipeline")
    return project


def test_a_pipeline_runs_then_has_nothing_to_do(pipeline: Path, mlo: Mlo) -> None:
    first = mlo("run", "--name", "first")
    assert re.match(r"run first done in \d+\.\d s: 2 ran\n", first.stdout)
    assert "depth" in first.stdout
    assert "prepare: it has never run\n  $ sort raw.csv > train.csv\n" in first.stderr
    again = mlo("run")
    assert again.stdout == "nothing is stale; what is here was made by run first\n"
    assert again.stderr == ""


def test_a_dry_run_says_why_and_does_nothing(pipeline: Path, mlo_here: Mlo) -> None:
    mlo_here("run")
    (pipeline / "raw.csv").write_text("c\n")
    done = mlo_here("run", "--dry-run", "--set", "train.depth=3")
    assert done.stdout == (
        "prepare: would run\n"
        "  raw.csv changed\n"
        "train: would run\n"
        "  parameter train.depth: 5 -> 3\n"
        "  train.csv is made by prepare, which is stale\n"
    )
    assert (pipeline / "train.csv").read_text() == "a\nb\n"


def test_json_is_all_that_is_on_stdout(pipeline: Path, mlo: Mlo) -> None:
    outcome = mlo("run", "--json").json
    assert outcome["run"]["status"] == "done"
    assert outcome["run"]["metrics"] == {"depth": 5}
    assert mlo("run", "--json").json["run"] is None
    assert mlo("run", "--dry-run", "--json").json[0] == {
        "name": "prepare",
        "action": "nothing",
        "reasons": [],
    }
    command = mlo("run", "--json", "--", "echo", "hi")
    assert command.json["status"] == "done"
    assert command.stderr == "hi\n"
    assert mlo("runs", "list", "--json").json["total"] == 2
    assert mlo("runs", "show", "--json").json["command"] == ["echo", "hi"]


def test_a_failing_step_exits_1_and_says_where_to_look(pipeline: Path, mlo_here: Mlo) -> None:
    settings = pipeline / ".mlops.yaml"
    settings.write_text(SETTINGS.replace("cmd: sort", "cmd: echo no luck >&2; exit 3; sort"))
    done = mlo_here("run", "--name", "bad", code=1)
    assert "no luck\n" in done.stderr
    assert done.stderr.endswith(
        "mlo: step 'prepare' failed with exit code 3\n  try: mlo runs show bad --log\n"
    )
    assert "no luck" in mlo_here("runs", "show", "bad", "--log").stdout
    assert "status    failed, exit code 3" in mlo_here("runs", "show", "bad").stdout


def test_a_command_keeps_its_streams_input_and_exit_code(project: Path, mlo: Mlo) -> None:
    done = mlo("run", "--", "sh", "-c", "cat; echo err >&2; exit 9", stdin="given\n", code=9)
    assert done.stdout == "given\n"
    assert done.stderr.startswith("err\nmlo: run ")
    assert mlo("runs", "show", "--log").stdout in ("given\nerr\n", "err\ngiven\n")


def test_words_after_the_dashes_are_left_as_they_are(project: Path, mlo_here: Mlo) -> None:
    assert (
        mlo_here("run", "--", "echo", "--json", "--", "-n", "$HOME").stdout
        == "--json -- -n $HOME\n"
    )


def test_a_command_gets_the_parameters_of_its_run(pipeline: Path, mlo_here: Mlo) -> None:
    done = mlo_here(
        "run", "-s", "train.depth=9", "--", "sh", "-c", "cat $MLO_PARAMS; echo; echo $MLO_ROOT"
    )
    assert done.stdout == f'{{"train": {{"depth": 9}}}}\n{pipeline}\n'


def test_a_command_runs_in_the_folder_it_is_typed_in(pipeline: Path, mlo_here: Mlo) -> None:
    (pipeline / "sub").mkdir()
    assert mlo_here("run", "--", "pwd", cwd=pipeline / "sub").stdout == f"{pipeline}/sub\n"
    mlo_here("run", cwd=pipeline / "sub")
    assert (pipeline / "model").exists()


def test_scripts_without_the_api_get_parameters_as_words_and_as_a_file(
    pipeline: Path, mlo_here: Mlo
) -> None:
    settings = SETTINGS.replace("cp train.csv model", "cp $MLO_PARAMS model")
    (pipeline / ".mlops.yaml").write_text(settings)
    assert mlo_here("run", "--set", "train.depth=8", "--json").json["run"]["metrics"] == {
        "depth": 8
    }
    assert json.loads((pipeline / "model").read_text()) == {"train": {"depth": 8}}
    said = mlo_here("run", "--help").stdout
    assert "--alpha ${alpha}" in said
    assert "$MLO_PARAMS" in said


def test_named_inputs_and_outputs_of_a_command_are_recorded(pipeline: Path, mlo_here: Mlo) -> None:
    mlo_here("run", "--input", "raw.csv", "--output", "copy", "--", "cp", "raw.csv", "copy")
    run = mlo_here("runs", "show", "--json").json
    assert [one["path"] for one in run["inputs"]] == ["raw.csv"]
    assert [one["path"] for one in run["outputs"]] == ["copy"]
    assert run["inputs"][0]["oid"] == run["outputs"][0]["oid"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "trian"), 2, "mlo: there is no step 'trian'\n  did you mean 'train'?\n"),
        (("run", "--set", "train.dept=1"), 2, "there is no parameter 'train.dept'"),
        (("run", "--set", "x"), 2, "'x' is not name=value"),
        (("run", "train", "--", "true"), 2, "'train' is a step, and after -- comes a command"),
        (("run", "--"), 2, "there is no command after --"),
        (("run", "--force", "--", "true"), 2, "--force is for steps"),
        (("run", "--input", "raw.csv"), 2, "--input and --output go with a command"),
        (("run", "--input", "gone", "--", "true"), 2, "there is nothing at"),
        (("run", "--", "no-such-program"), 2, "there is no program 'no-such-program'"),
        (("run", "--name", "last"), 2, "'last' cannot name a run"),
        (("runs", "show", "nobody"), 2, "there is no run 'nobody'"),
        (("runs", "compare"), 2, "there is no run 'last'"),
        (("runs", "list", "--sort", "auc"), 2, "no run has 'auc' to sort by"),
        (("runs", "list", "--status", "ok"), 2, "'ok' is no status"),
    ],
)
def test_a_wrong_request_is_one_clear_line_and_no_run(
    pipeline: Path, mlo_here: Mlo, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = mlo_here(*arguments, code=code)
    assert message in done.stderr
    assert done.stderr.count("\n") <= 2
    assert mlo_here("runs", "list", "--json").json["total"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("deps: [raw.csv]", "deps: [gone.csv]"), "step 'prepare' needs 'gone.csv'"),
        (("deps: [raw.csv]", "deps: [model]"), "steps need each other in a circle"),
        (("outs: [model]", "outs: [model, train.csv]"), "'train.csv'"),
        (("outs: [model]", "outs: [train.csv/x]"), "train.csv"),
        (("outs: [model]", "outs: [model]\n    params: [gone]"), "'gone'"),
        (("${train.depth}", "${train.dept}"), "names '${train.dept}', which is no parameter"),
    ],
)
def test_a_wrong_pipeline_is_refused_before_anything_runs(
    pipeline: Path, mlo_here: Mlo, change: tuple[str, str], message: str
) -> None:
    (pipeline / ".mlops.yaml").write_text(SETTINGS.replace(*change))
    done = mlo_here("run", code=2)
    assert message in done.stderr
    assert not (pipeline / "train.csv").exists()


def test_lists_and_comparisons_fit_80_columns(pipeline: Path, mlo_here: Mlo) -> None:
    mlo_here("run")
    mlo_here("run", "--set", "train.depth=8")
    mlo_here("run", "--", "sh", "-c", "echo a rather long command line, which is cut; true " * 3)
    for arguments in (("list",), ("compare", "best:depth", "best:-depth"), ("compare",)):
        text = mlo_here("runs", *arguments).stdout
        assert max(map(len, text.splitlines())) <= 80, text
    listed = mlo_here("runs", "list", "--sort", "depth").stdout.splitlines()
    assert "train.depth=8" in listed[1] or "--set" in listed[1]
    compared = mlo_here("runs", "compare", "best:-depth", "best:depth").stdout
    assert re.search(r"train\.depth +5 +8\n", compared)
    assert re.search(r"depth +5 +8 +\+3\n", compared)
    assert "raw.csv" not in compared
    assert "raw.csv" in mlo_here("runs", "compare", "--all", "best:-depth", "best:depth").stdout


def test_a_list_shows_the_metric_it_is_sorted_by_and_the_parameters_that_differ(
    pipeline: Path, mlo_here: Mlo
) -> None:
    numbers = ",".join(f'"a{i}":{i}' for i in range(9))
    settings = SETTINGS.replace('"depth":${train.depth}', '"a_depth":${train.depth},' + numbers)
    gates = "models: {m: {stages: {live: {gates: [{metric: a7, min: 1}]}}}}\n"
    (pipeline / ".mlops.yaml").write_text(settings + gates)
    mlo_here("run")
    mlo_here("run", "--set", "train.depth=8")
    mlo_here("run", "train", "--set", "train.depth=9")
    listed = mlo_here("runs", "list").stdout.splitlines()
    assert listed[0].split()[-1] == "command"
    assert " a7 " in listed[0]
    assert [line.split()[-1] for line in listed[1:]] == [f"train.depth={n}" for n in (9, 8, 5)]
    assert " train train.depth=9" in listed[1]
    by_depth = mlo_here("runs", "list", "--sort", "-a_depth").stdout.splitlines()
    assert " a_depth " in by_depth[0]
    assert [line.split()[-1] for line in by_depth[1:]] == [f"train.depth={n}" for n in (5, 8, 9)]
    assert max(map(len, [*listed, *by_depth])) <= 80


def test_a_comparison_says_that_metrics_do_not_differ(pipeline: Path, mlo_here: Mlo) -> None:
    mlo_here("run", "--name", "one")
    (pipeline / "new.py").write_text("")
    mlo_here("run", "--name", "two", "--force")
    assert mlo_here("runs", "compare").stdout.startswith("metrics: no difference\ncode\n")
    mlo_here("run", "--set", "train.depth=8")
    assert "no difference" not in mlo_here("runs", "compare").stdout
    mlo_here("run", "--", "true")
    assert "no difference" not in mlo_here("runs", "compare").stdout


def test_a_run_is_shown_in_80_columns(pipeline: Path, mlo_here: Mlo) -> None:
    identity = {"GIT_AUTHOR_NAME": "A" * 40, "GIT_AUTHOR_EMAIL": "a" * 40 + "@example.org"}
    mlo_here("run", env=identity)
    shown = mlo_here("runs", "show").stdout
    assert max(map(len, shown.splitlines())) <= 80, shown
    assert f"\nby        {'A' * 40} on " in shown
    assert mlo_here("runs", "show", "--json").json["who"]["email"] == "a" * 40 + "@example.org"


def test_what_was_at_an_output_before_comes_back_by_what_is_said(
    pipeline: Path, mlo_here: Mlo
) -> None:
    (pipeline / "model").mkdir()
    (pipeline / "model/weights").write_text("by hand")
    (pipeline / "metrics.json").write_text("{}")
    said = mlo_here("run").stderr.splitlines()
    assert said[0].startswith("kept what was at 'model' before; to get it back: mlo cat ")
    assert said[1].startswith("kept what was at 'metrics.json' before; to get it back: mlo cat ")
    for line, content in zip(said, ("by hand", "{}"), strict=False):
        _, _, typed = line.partition("mlo ")
        assert mlo_here(*typed.partition(" > ")[0].split()).stdout == content
    whole = said[0].partition("mlo cat ")[2].partition("/")[0]
    assert "is a folder of 1 names" in mlo_here("cat", whole, code=2).stderr


def test_removed_runs_are_off_the_list(pipeline: Path, mlo_here: Mlo) -> None:
    mlo_here("run", "--name", "first")
    assert mlo_here("runs", "rm", "first").stdout == "removed first\n"
    assert mlo_here("runs", "list").stderr == "no runs yet; try: mlo run\n"


@contextmanager
def started(project: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `mlo` in the background, in a process group of its own as a shell gives it."""
    process = subprocess.Popen(
        [MLO, *arguments],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def wait_for(what: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def endless(project: Path) -> Path:
    """Give the project a step that starts a process of its own and never ends; return its note."""
    note = project / "note"
    (project / ".mlops.yaml").write_text(
        SETTINGS.replace(
            "cmd: sort raw.csv > train.csv",
            "cmd: echo half > train.csv; echo so far; sleep 300 & echo $! > note; wait",
        )
    )
    return note


def has_text(path: Path) -> Callable[[], bool]:
    return lambda: path.exists() and path.read_text().endswith("\n")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_all_processes_and_the_run_is_recorded(
    pipeline: Path, mlo_here: Mlo, number: int
) -> None:
    note = endless(pipeline)
    with started(pipeline, "run", "--name", "cut") as process:
        wait_for(has_text(note))
        os.killpg(process.pid, number)
        assert process.wait(timeout=30) == 128 + number
    wait_for(lambda: gone(int(note.read_text())))
    run = mlo_here("runs", "show", "cut", "--json").json
    assert (run["status"], run["exit_code"]) == ("interrupted", 128 + number)
    assert "so far" in mlo_here("runs", "show", "cut", "--log").stdout
    (pipeline / ".mlops.yaml").write_text(SETTINGS)
    mlo_here("run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_was_stopped_exits_as_a_shell_says_it(
    project: Path, mlo_here: Mlo, number: int
) -> None:
    with started(project, "run", "--", "sh", "-c", "echo $$ > note; sleep 300") as process:
        wait_for(has_text(project / "note"))
        os.killpg(process.pid, number)
        assert process.wait(timeout=30) == 128 + number
    run = mlo_here("runs", "show", "--json").json
    assert (run["status"], run["exit_code"]) == ("interrupted", 128 + number)


def test_a_killed_run_is_recorded_and_the_next_command_finds_all_whole(
    pipeline: Path, mlo: Mlo
) -> None:
    note = endless(pipeline)
    with started(pipeline, "run", "--name", "shot") as process:
        wait_for(has_text(note))
        assert mlo("runs", "list", "--json").json["runs"][0]["status"] == "running"
        process.kill()
        process.wait()
    listed = mlo("runs", "list", "--json").json["runs"]
    assert [(run["name"], run["status"]) for run in listed] == [("shot", "killed")]
    wait_for(lambda: gone(int(note.read_text())))
    assert "so far" in mlo("runs", "show", "shot", "--log").stdout
    (pipeline / ".mlops.yaml").write_text(SETTINGS)
    assert "2 ran" in mlo("run").stdout
    mlo("fsck")


@pytest.mark.parametrize("delay_ms", range(0, 240, 30))
def test_a_run_killed_at_any_moment_leaves_a_whole_repository(
    pipeline: Path, mlo_here: Mlo, delay_ms: int
) -> None:
    with started(pipeline, "run") as process:
        time.sleep(delay_ms / 1000)
        process.kill()
        process.wait()
    mlo_here("status")
    mlo_here("run")
    mlo_here("fsck")
    assert (pipeline / "model").read_text() == "a\nb\n"
    done = [
        run for run in mlo_here("runs", "list", "--json").json["runs"] if run["status"] == "running"
    ]
    assert done == []


def test_a_pipeline_that_waits_for_another_says_for_which(pipeline: Path) -> None:
    with started(pipeline, "status") as once:
        once.communicate(timeout=60)
    with ExitStack() as held:
        held.enter_context(hold(pipeline / ".mlo/pipeline.lock", purpose="mlo run"))
        waiting = held.enter_context(started(pipeline, "run"))
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        assert said == f"waiting for `mlo run` (process {os.getpid()}) to end\n"


def test_a_command_that_records_nothing_says_how_it_could(pipeline: Path, mlo_here: Mlo) -> None:
    assert "--input PATH --output PATH" in mlo_here("run", "--", "true").stderr
    assert "--input PATH" not in mlo_here("run", "--", "false", code=1).stderr
    assert "--input PATH" not in mlo_here("run", "--input", "raw.csv", "--", "true").stderr


def test_a_model_that_no_run_made_says_how_runs_make_one(pipeline: Path, mlo_here: Mlo) -> None:
    mlo_here("run")
    said = mlo_here("register", "churn", code=2).stderr
    assert "no run that was done has made a model" in said
    assert "log_model" in said
    assert "models.NAME.path" in said


def test_two_runs_at_once_do_not_disturb_each_other(pipeline: Path, mlo_here: Mlo) -> None:
    (pipeline / ".mlops.yaml").write_text(SETTINGS.replace("cmd: sort", "cmd: sleep 0.3; sort"))
    with (
        started(pipeline, "run") as one,
        started(pipeline, "run") as two,
        started(pipeline, "run", "--", "sleep", "0.2") as three,
    ):
        outputs = [process.communicate(timeout=60) for process in (one, two, three)]
        assert [one.returncode, two.returncode, three.returncode] == [0, 0, 0], outputs
    assert sorted(("nothing is stale" in out) for out, _ in outputs[:2]) == [False, True]
    assert mlo_here("runs", "list", "--json").json["total"] == 2
    mlo_here("audit", "--verify")
    mlo_here("fsck")


def test_steps_side_by_side_say_whose_line_it_is(pipeline: Path, mlo_here: Mlo) -> None:
    (pipeline / ".mlops.yaml").write_text(
        "steps:\n"
        "  a: {cmd: echo one; echo > a, outs: [a]}\n"
        "  b: {cmd: echo two; echo > b, outs: [b]}\n"
    )
    done = mlo_here("run", "--jobs", "2")
    assert {"a | one", "b | two"} <= set(done.stderr.splitlines())
    assert re.search(r"^[ab]: done in \d\.\d s, 2 of 2$", done.stderr, re.M)


def test_a_run_aside_leaves_the_work_tree_and_git_alone(pipeline: Path, mlo_here: Mlo) -> None:
    (pipeline / "raw.csv").write_text("edited\n")
    before = git(pipeline, "status", "--porcelain")
    mlo_here("run", "--in-worktree", "--name", "aside", "--tag", "trial", "--note", "try it")
    assert git(pipeline, "status", "--porcelain") == before
    assert not (pipeline / "train.csv").exists()
    shown = mlo_here("runs", "show", "aside", "--json").json
    assert (shown["status"], shown["tags"], shown["note"]) == ("done", {"trial": ""}, "try it")
    assert "brought back from run aside" in mlo_here("run").stderr


def test_a_command_runs_aside_with_the_data_of_that_revision(pipeline: Path, mlo_here: Mlo) -> None:
    (pipeline / "data.csv").write_text("first\n")
    mlo_here("add", "data.csv")
    git(pipeline, "add", "--all")
    git(pipeline, "commit", "--quiet", "--message", "Data")
    (pipeline / "data.csv").write_text("second\n")
    mlo_here("add", "data.csv")
    done = mlo_here("run", "--rev", "HEAD", "--", "cat", "data.csv")
    assert done.stdout == "first\n"
    assert mlo_here("run", "--in-worktree", "--", "cat", "data.csv").stdout == "second\n"


def test_what_comes_after_a_step_runs_alone(pipeline: Path, mlo_here: Mlo) -> None:
    mlo_here("run")
    (pipeline / "raw.csv").write_text("c\n")
    assert "nothing is stale" in mlo_here("run", "--downstream", "train").stdout
    assert mlo_here("run", "--downstream", code=2).stderr == (
        "mlo: --downstream needs a step\n  try: mlo run --downstream STEP\n"
    )


def test_options_for_steps_are_refused_with_a_command(pipeline: Path, mlo_here: Mlo) -> None:
    done = mlo_here("run", "--jobs", "2", "--", "true", code=2)
    assert done.stderr == "mlo: --jobs is for steps, and after -- comes a command\n"


def test_status_after_a_git_switch_says_what_brings_outputs_along(
    pipeline: Path, mlo_here: Mlo
) -> None:
    mlo_here("run")
    git(pipeline, "add", "--all")
    git(pipeline, "commit", "--quiet", "--message", "As it is")
    git(pipeline, "switch", "--quiet", "--create", "other")
    (pipeline / "raw.csv").write_text("z\n")
    mlo_here("run")
    git(pipeline, "commit", "--quiet", "--all", "--message", "Other data")
    git(pipeline, "switch", "--quiet", "-")
    assert "outputs that are not as mlo.lock says: mlo checkout\n" in mlo_here("status").stdout
    mlo_here("checkout")
    assert "nothing is stale" in mlo_here("run").stdout


def test_a_metric_that_is_no_number_is_told_once(project: Path, mlo_here: Mlo) -> None:
    line = "import mlops_cli.api as mlo; mlo.log_metrics({'a': 1, 'loss': float('nan')})"
    logged = mlo_here("run", "--", sys.executable, "-c", line)
    assert logged.stderr.count("a metric is no finite number: 'loss' is nan") == 1
    step = {"cmd": 'echo \'{"r": Infinity, "b": 2}\' > m.json', "metrics": ["m.json"]}
    (project / ".mlops.yaml").write_text(json.dumps({"steps": {"judge": step}}))
    written = mlo_here("run")
    assert written.stderr.count("a metric is no finite number: 'r' is inf") == 1


def test_an_output_that_the_command_did_not_write_fails_the_run(
    project: Path, mlo_here: Mlo
) -> None:
    done = mlo_here("run", "--output", "nope.csv", "--", "true", code=1)
    assert "mlo: the command did not write its output 'nope.csv'" in done.stderr
    run = mlo_here("runs", "show", "last", "--json").json
    assert (run["status"], run["exit_code"], run["outputs"]) == ("failed", None, [])
    line = "import mlops_cli.api as mlo, os; open('x.txt', 'w'); mlo.log_artifact('x.txt'); "
    gone = mlo_here("run", "--", sys.executable, "-c", line + "os.remove('x.txt')")
    assert "'x.txt' was logged but not kept" in gone.stderr
    assert str(project) not in gone.stderr


def test_runs_aside_at_once_do_not_disturb_each_other(pipeline: Path, mlo_here: Mlo) -> None:
    before = git(pipeline, "status", "--porcelain")
    with ExitStack() as stack:
        words = [[MLO, "run", "--in-worktree", "--set", f"train.depth={n}"] for n in (2, 3, 4)]
        several = [
            stack.enter_context(subprocess.Popen(one, cwd=pipeline, stderr=subprocess.DEVNULL))
            for one in words
        ]
    assert [one.returncode for one in several] == [0, 0, 0]
    found = mlo_here("runs", "list", "--json").json["runs"]
    assert sorted(run["metrics"]["depth"] for run in found) == [2, 3, 4]
    assert git(pipeline, "status", "--porcelain") == before
    mlo_here("fsck")
