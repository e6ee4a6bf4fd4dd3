"""Reading runs as a user types it: list, show, compare, plot, export, rm, tag, note, restore."""

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from tests.conftest import Mlo, git
from tests.runs.recorded import record

SETTINGS = """\
# what to fit
params:
  lr: 0.1  # the rate
  deep: {depth: 3}
steps:
  train:
    cmd: echo ${lr} > model; echo '{"auc":0.${deep.depth}}' > metrics.json
    params: [lr, deep]
    deps: [code.py]
    outs: [model]
    metrics: [metrics.json]
"""


@pytest.fixture
def three(project: Path) -> Path:
    """Return a project with three runs, one of them a child."""
    repo = open_repository(project)
    lines = b"".join(b'{"metrics":{"loss":%d},"step":%d}\n' % (9 - at, at) for at in range(9))
    runs = [
        {"params": {"depth": 3}, "metrics": {"auc": 0.9}, "history": repo.objects.put(lines)},
        {"params": {"depth": 5}, "metrics": {"auc": 0.95}, "name": "große"},
        {"params": {"depth": 7}, "metrics": {"auc": "nan"}, "parent": f"{1:012x}"},
    ]
    record(repo, runs)
    return project


def test_runs_are_filtered_sorted_and_shown_by_column(three: Path, mlo_here: Mlo) -> None:
    done = mlo_here(
        "runs", "list", "-f", "metrics.auc > 0.5 and params.depth <= 6", "--sort", "auc",
        "--columns", "name,auc,params.depth",
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "name   auc   params.depth",
        "große  0.95  5",
        "run-0  0.9   3",
    ]


def test_children_are_hidden_unless_asked_for(three: Path, mlo_here: Mlo) -> None:
    assert "run-2" not in mlo_here("runs", "list").stdout
    assert "run-0 (+1)" in mlo_here("runs", "list").stdout
    assert "\n  run-2" in mlo_here("runs", "list", "--children").stdout
    sorted_ = mlo_here("runs", "list", "--sort", "auc", "--json").json["runs"]
    assert [run["name"] for run in sorted_] == ["große", "run-0", "run-2"]
    assert sorted_[2]["metrics"]["auc"] == "nan"


def test_a_list_that_is_tight_keeps_a_metric_and_shortens_keys(
    project: Path, mlo_here: Mlo
) -> None:
    done = [
        {
            "key": f"{at}23456789abc",
            "name": f"a-name-of-twenty-letters-{at}",
            "command": f"mlo run --set lr=0.{at}",
            "params": {"lr": at / 10},
            "metrics": {"rmse": 54.25 + at, "lasso.loss": 1.0},
        }
        for at in range(1, 4)
    ]
    record(open_repository(project), [*done, {"status": "failed", "metrics": {"lasso.loss": 3.0}}])
    mlo_here("runs", "tag", done[0]["name"], "baseline", "team=risk")
    listed = mlo_here("runs", "list").stdout.splitlines()
    assert " rmse " in listed[0]
    assert " 12345678 " in listed[-1]
    assert " 55.25 " in listed[-1]
    assert max(map(len, listed)) <= 80
    assert mlo_here("runs", "show", "12345678", "--json").json["name"] == done[0]["name"]
    of_condition = mlo_here("runs", "list", "--filter", "metrics.lasso.loss > 0").stdout
    assert " lasso.loss " in of_condition.splitlines()[0]


def test_a_list_without_runs_says_whether_none_fit_or_none_are_here(
    three: Path, tmp_path: Path, mlo_here: Mlo
) -> None:
    for asked in (["--filter", "auc > 1000"], ["--tag", "nope"], ["--since", "1d"]):
        done = mlo_here("runs", "list", *asked)
        assert (done.stdout, done.stderr) == ("", "no run matches; see all: mlo runs list\n")
    assert mlo_here("runs", "rm", "--filter", "auc > 1000").stderr == "no run matches\n"
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    git(three, "add", "--all")
    git(three, "commit", "--quiet", "--message", "Remote")
    git(tmp_path, "clone", "--quiet", str(three), "theirs")
    told = mlo_here("runs", "list", cwd=tmp_path / "theirs").stderr
    assert told == "no runs yet; try: mlo run, or mlo fetch\n"


def test_a_sweep_tells_its_trials_and_its_best_whatever_the_columns(
    project: Path, mlo_here: Mlo
) -> None:
    sweep = {"name": "sw", "tags": ("sweep",), "metrics": {"ridge.loss": 0.25}}
    below = {"parent": f"{1:012x}"}
    shared, trial = {**below, "name": "sw-steps"}, {**below, "name": "sw-0"}
    record(open_repository(project), [sweep, shared, trial, {"metrics": {"rmse": 4}}])
    (_, _, told) = mlo_here("runs", "list", "--metric", "rmse").stdout.splitlines()
    assert told.startswith("sw (+1) ")
    assert " ridge.loss=0.25 [sweep] train" in told
    assert "\n  sw-steps" in mlo_here("runs", "list", "--children").stdout


def test_a_condition_that_does_not_parse_is_pointed_at(three: Path, mlo_here: Mlo) -> None:
    done = mlo_here("runs", "list", "--filter", "auc > and", code=2)
    assert done.stderr == (
        "mlo: --filter: a name or a value is missing after '>'\n    auc > and\n          ^\n"
    )


def test_since_takes_an_age_or_a_date(three: Path, mlo_here: Mlo) -> None:
    assert mlo_here("runs", "list", "--since", "2026-01-01T01:00", "--json").json["total"] == 1
    assert "no age and no date" in mlo_here("runs", "list", "--since", "soon", code=2).stderr


def test_a_run_and_its_comparison_tell_what_is_what_in_80_columns(
    project: Path, mlo_here: Mlo
) -> None:
    usage = {"cpu_s": 123.4, "cpu_mean": 0.951, "memory_peak_bytes": 2**30 - 2**20}
    usage |= {"read_bytes": 2**30 - 2**20, "written_bytes": 2**20, "gpu_mean": 0.5}
    line = "mlo run --set train.lr=0.1 --set train.depth="
    runs = [{"command": f"{line}{at}", "metrics": {"auc": at}, "usage": usage} for at in range(3)]
    record(open_repository(project), runs)
    told = mlo_here("runs", "show").stdout
    assert "used      123 s of processor (0.95 at once), 1023.0 MiB of memory at most\n" in told
    assert "disk      read 1023.0 MiB, wrote 1.0 MiB\ngpu       50% busy\n" in told
    compared = mlo_here("runs", "compare", "run-0", "run-1", "run-2").stdout
    assert re.search(r"run-2 +last - first\n +auc +0 +1 +2 +\+2\n", compared)
    assert re.search(r"command +… train.depth=0 +… train.depth=1 +… train.depth=2\n", compared)
    assert max(map(len, [*told.splitlines(), *compared.splitlines()])) <= 80


def test_a_name_that_a_run_has_is_refused_until_the_run_is_removed(
    three: Path, mlo_here: Mlo
) -> None:
    for asked in (["run", "--name", "run-0", "--", "true"], ["sweep", "x", "--name", "run-0"]):
        done = mlo_here(*asked, code=2)
        assert done.stderr == (
            "mlo: there is a run 'run-0' already\n"
            "  try: another --name, or take it off the list: mlo runs rm run-0\n"
        )
    mlo_here("runs", "rm", "run-0")
    mlo_here("run", "--name", "run-0", "--", "true")
    assert mlo_here("runs", "show", "run-0", "--json").json["command"] == ["true"]


def test_show_tells_parent_parts_tags_and_note(three: Path, mlo_here: Mlo) -> None:
    mlo_here("runs", "tag", "run-0", "best", "team=risk")
    mlo_here("runs", "note", "run-0", "the one\nto keep")
    told = mlo_here("runs", "show", "run-0").stdout
    assert "parts     1 done: run-2 000000000003\n" in told
    assert "tags      best team=risk\n" in told
    assert "note      the one\n          to keep\n" in told
    assert "part of   run-0 000000000001\n" in mlo_here("runs", "show", "run-2").stdout
    assert mlo_here("runs", "show", "run-0", "--json").json["tags"] == {"best": "", "team": "risk"}
    held = mlo_here("runs", "tag", "run-0", "best", "--delete", "--json").json
    assert (held["name"], held["tags"]) == ("run-0", {"team": "risk"})
    told = mlo_here("runs", "list", "--tag", "team=risk").stdout
    assert "best" not in told
    assert "[team=risk] train" in told
    told = mlo_here("runs", "list", "--tag", "team", "--columns", "name,tags").stdout
    assert told == "name   tags\nrun-0  team=risk\n"
    told = mlo_here("runs", "show", "best:auc")
    assert told.stderr.startswith("best:auc: highest auc, going by the name (lowest: best:-auc)")


def test_what_is_said_of_runs_travels_with_push(three: Path, tmp_path: Path, mlo_here: Mlo) -> None:
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    git(three, "add", "--all")
    git(three, "commit", "--quiet", "--message", "Remote")
    git(tmp_path, "clone", "--quiet", str(three), "theirs")
    theirs = tmp_path / "theirs"
    mlo_here("push")
    mlo_here("pull", cwd=theirs)
    assert mlo_here("runs", "list", "--json", cwd=theirs).json["total"] == 2
    mlo_here("runs", "tag", "run-0", "best")
    mlo_here("runs", "note", "run-0", "keep")
    mlo_here("runs", "rm", "große")
    mlo_here("push")
    mlo_here("pull", cwd=theirs)
    (run,) = mlo_here("runs", "list", "--json", cwd=theirs).json["runs"]
    assert (run["name"], run["tags"], run["note"]) == ("run-0", {"best": ""}, "keep")
    mlo_here("runs", "rm", "--restore", "große", cwd=theirs)
    mlo_here("push", cwd=theirs)
    mlo_here("pull")
    assert mlo_here("runs", "list", "--json").json["total"] == 2


def test_runs_are_removed_by_condition_and_put_back(three: Path, mlo_here: Mlo) -> None:
    assert mlo_here("runs", "rm", "-f", "depth > 4").stdout == "removed run-2\nremoved große\n"
    assert mlo_here("runs", "list", "--removed", "--json").json["total"] == 2
    assert "--filter" in mlo_here("runs", "rm", code=2).stderr
    assert mlo_here("runs", "rm", "--restore", "große").stdout == "put back große\n"


def test_plots_are_drawn_or_written_as_a_page(three: Path, mlo_here: Mlo) -> None:
    drawn = mlo_here("runs", "plot", "run-0").stdout
    assert drawn.startswith("loss\n")
    assert "run-0: last 1" in drawn
    done = mlo_here("runs", "plot", "run-0", "--html", "page.html")
    assert re.match(r"wrote page.html, \d", done.stderr)
    assert "<polyline" in (three / "page.html").read_text()
    assert "nothing was logged over time" in mlo_here("runs", "plot", "große").stderr
    assert mlo_here("runs", "plot", "run-0", "--json").json["charts"][0]["title"] == "loss"


def test_runs_are_exported(three: Path, mlo_here: Mlo) -> None:
    rows = list(csv.DictReader(io.StringIO(mlo_here("runs", "export").stdout)))
    assert [row["params.depth"] for row in rows] == ["7", "5", "3"]
    done = mlo_here("runs", "export", "run-0", "--history", "-o", "loss.json")
    assert done.stderr == "wrote loss.json, 9 rows\n"
    assert json.loads((three / "loss.json").read_text())[8]["value"] == 1.0
    assert "no form of a table" in mlo_here("runs", "export", "-o", "a.txt", code=2).stderr
    meant = mlo_here("runs", "export", "a.csv", code=2)
    assert meant.stderr.endswith("try: to write a file: mlo runs export --output a.csv\n")
    meant = mlo_here("runs", "plot", "auc", code=2)
    assert meant.stderr.endswith("it is a metric: best:auc, or mlo runs plot --metric auc\n")


def test_the_blocks_of_the_page_run_as_they_stand(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/runs.md").read_text()
    script = "set -e\n" + "".join(re.findall(r"^```sh\n(.*?)^```$", page, re.S | re.M))
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "branch as-third has the code of third" in done.stdout


@pytest.fixture
def edited(project: Path, mlo_here: Mlo) -> Path:
    """Return a project with a run of uncommitted code and other parameters."""
    (project / ".mlops.yaml").write_text(SETTINGS)
    (project / "code.py").write_text("one\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Code")
    mlo_here("run", "--name", "first")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Lock")
    (project / "code.py").write_text("two\n")
    mlo_here("run", "--name", "second", "--set", "lr=0.5", "--set", "deep.depth=[1,2]", code=None)
    mlo_here("run", "--name", "third", "--set", "lr=0.5", "--set", "deep.depth=5")
    return project


def test_a_run_comes_back_as_a_branch(edited: Path, mlo_here: Mlo) -> None:
    git(edited, "checkout", "--quiet", "--", ".")
    before = (git(edited, "status", "--porcelain"), git(edited, "rev-parse", "HEAD"))
    done = mlo_here("runs", "restore", "third", "--branch", "again")
    assert done.stdout.splitlines()[1:] == [
        "  lr is 0.5, as it was set for that run",
        "  deep.depth is 5, as it was set for that run",
    ]
    assert (git(edited, "status", "--porcelain"), git(edited, "rev-parse", "HEAD")) == before
    assert git(edited, "show", "again:code.py") == "two\n"
    settings = git(edited, "show", "again:.mlops.yaml")
    assert settings == SETTINGS.replace("0.1", "0.5").replace("3}", "5}")
    told = mlo_here("runs", "restore", "third", "-b", "again", code=3).stderr
    assert told == "mlo: there is a branch 'again' already\n  try: --branch again-2\n"
    assert "cannot name" in mlo_here("runs", "restore", "third", "-b", "a b", code=2).stderr
    mlo_here("runs", "restore", "third", "-b", "here", "--checkout")
    mlo_here("checkout")
    assert (edited / "model").read_text() == "0.5\n"
    assert "nothing is stale" in mlo_here("run").stdout


def test_compare_lists_files_of_code_and_prints_the_patch(edited: Path, mlo_here: Mlo) -> None:
    told = mlo_here("runs", "compare", "first", "third").stdout
    assert re.search(r"code.py +- +\+1 -1", told)
    patch = mlo_here("runs", "compare", "first", "third", "--patch").stdout
    assert patch.startswith("diff --git a/code.py b/code.py\n")
    assert patch.endswith("-one\n+two\n")


def test_parameters_and_metrics_are_compared_with_a_revision(edited: Path, mlo_here: Mlo) -> None:
    settings = edited / ".mlops.yaml"
    settings.write_text(settings.read_text().replace("0.1", "0.3"))
    assert mlo_here("params", "diff").stdout.splitlines() == [
        "name  HEAD  work tree  change",
        "lr    0.1   0.3        +0.2",
    ]
    told = mlo_here("metrics", "diff", "HEAD", "--md", "--exit-code", code=1).stdout
    assert told.splitlines() == [
        "### Metrics: HEAD to work tree",
        "",
        "| name | HEAD | work tree | change |  |",
        "| --- | --- | --- | --- | --- |",
        "| `auc` | 0.3 | 0.5 | +0.2 | better |",
    ]
    assert mlo_here("params", "diff", "HEAD", "HEAD").stdout == (
        "params: no difference between HEAD and HEAD\n"
    )
    assert mlo_here("params", "diff", "--all", "--json").json["rows"][0]["name"] == "deep.depth"
    assert mlo_here("metrics", "show", "HEAD", "--json").json == {"auc": 0.3}
    assert mlo_here("params", "show", "--json").json == {"lr": 0.3, "deep.depth": 3}
    assert "not a commit" in mlo_here("params", "diff", "nope", code=2).stderr
    assert "more than two" in mlo_here("params", "diff", "HEAD", "HEAD", "HEAD", code=2).stderr


TRAIN = """
import mlops_cli.api as mlo
import pandas as pd
from sklearn.dummy import DummyClassifier

frame = pd.DataFrame({"x": [0.0, 1.0]})
mlo.log_model(DummyClassifier().fit(frame, [0, 1]), "model", data=frame)
"""


def test_a_run_that_a_model_came_from_stays_unless_forced(project: Path, mlo_here: Mlo) -> None:
    (project / "train.py").write_text(TRAIN)
    (project / ".mlops.yaml").write_text(
        "steps: {train: {cmd: python train.py, outs: [model]}}\nmodels: {dummy: {path: model}}\n"
    )
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Train")
    mlo_here("run", "--name", "first")
    mlo_here("register", "dummy")
    done = mlo_here("runs", "rm", "first", code=3)
    assert done.stderr == (
        "mlo: a model version was registered from 'first'\n  try: mlo runs rm --force RUN\n"
    )
    assert mlo_here("runs", "rm", "first", "--force").stdout == "removed first\n"
