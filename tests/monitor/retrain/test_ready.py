"""A new version goes the way that its stage asks for: through earlier stages, evaluated."""

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.pipeline.run import run
from mlops_cli.pipeline.watcher import Silent
from mlops_cli.registry import models
from mlops_cli.registry.evaluation.data import choose
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import register
from mlops_cli.runs.record import Run
from tests.conftest import git
from tests.monitor.retrain.conftest import TRAIN, Loop, rows

_SETTINGS = """\
steps:
  prepare: {cmd: sh split.sh, deps: [split.sh, train.csv], outs: [part.csv, test.csv]}
  train: {cmd: sh train.sh, deps: [train.sh, part.csv], outs: [model.skops]}
  evaluate: {cmd: sh judge.sh, deps: [judge.sh, model.skops, test.csv], metrics: [metrics.json]}
models:
  m:
    path: model.skops
    data: part.csv
    target: y
    stages:
      staging: {gates: [{metric: accuracy, data: test.csv, min: 0.5}]}
      production:
        requires: staging
{gates}monitor: {retrain: {m: {into: train.csv, min_rows: 200, cooldown: 0, earlier: false}}}
"""
_GATES = """\
        gates:
          - {metric: auc, min: 0.95}
          - {metric: auc, not_worse_than: production, tolerance: 0.01}
          - {metric: accuracy, data: test.csv, slice: side=1, min: 0.9}
          - {metric: accuracy, data: evaluation, better_than: production}
"""
_SPLIT = """\
awk -F, 'NR == 1 || NR % 4' train.csv > part.csv
awk -F, 'NR == 1 {print $0 ",side"} NR > 1 && NR % 4 == 0 {print $0 "," $3}' train.csv > test.csv
"""


@pytest.fixture
def template(loop: Loop) -> Loop:
    """Return the project with steps, stages and gates as the template for tables has them."""
    said = {"split.sh": _SPLIT, "train.sh": TRAIN.replace("train.csv", "part.csv")}
    said |= {
        "judge.sh": "echo '{\"auc\": 0.99}' > metrics.json\n",
        ".mlops.yaml": _SETTINGS.replace("{gates}", ""),
    }
    for name, text in said.items():
        (loop.root / name).write_text(text)
    done = _run(loop.repo)
    git(loop.root, "add", "--all")
    git(loop.root, "commit", "--quiet", "--message", "As the template has it")
    number = register(loop.repo, "m", run=done, force=True).version.number
    evaluate(loop.repo, loop.model.version(number), "test.csv", slices=["side"])
    for stage in ("staging", "production"):
        assert not promote(loop.repo, f"m@v{number}", stage).refused
    assert loop.model.stages["production"] == number == 2
    (loop.root / ".mlops.yaml").write_text(_SETTINGS.replace("{gates}", _GATES))
    return loop


def _run(repo: Repository) -> Run | None:
    return run(repo, [], watcher=Silent(), environ={"PATH": "/usr/bin:/bin"}).run


def test_it_goes_through_the_stages_and_gates_of_the_template(template: Loop) -> None:
    template.answer(rows(600, 2, "b"))
    would = template.retrain(dry_run=True)
    assert would.steps[-1] == "then staging and production, through their gates"
    told = template.retrain()
    assert (told.status, told.version) == ("promoted", 3), told.why
    assert template.model.stages == {"staging": 3, "production": 3}
    moves = [one for one in template.model.events if one.kind == "promote" and one.number == 3]
    assert [one.detail["stage"] for one in moves] == ["staging", "production"]
    assert {one.detail["cause"]["retraining"] for one in moves} == {told.attempt}
    steps = [one["step"] for one in template.recorded()]
    after = ["evaluate", "stage", "evaluate", "evaluate", "end"]
    assert steps[steps.index("compare") + 1 :] == after
    _is_looked_at_by_its_own_rows(template)


def _is_looked_at_by_its_own_rows(loop: Loop) -> None:
    """Check that what explains it is of its own world, not the table of the work tree."""
    repo = loop.repo
    new, old = (models.resolve(repo, f"m@v{number}") for number in (3, 2))
    mine, theirs = (choose(repo, one, None, start=loop.root) for one in (new, old))
    assert (mine.path, theirs.path) == ("test.csv", "test.csv")
    assert mine.oid != theirs.oid


def test_a_gate_on_the_way_that_refuses_ends_it(template: Loop) -> None:
    path = template.root / ".mlops.yaml"
    path.write_text(path.read_text().replace("min: 0.5}", "max: 0.5}"))
    template.answer(rows(600, 2, "b"))
    told = template.retrain()
    assert told.status == "refused"
    assert "v3 was refused for staging: accuracy on test.csv <= 0.5" in told.why
    assert template.model.stages == {"staging": 2, "production": 2}


def test_where_its_run_made_no_test_data_the_rows_held_out_are_its_own(loop: Loop) -> None:
    rows(100, 7).to_csv(loop.root / "test.csv", index=False)
    loop.settings(model="evaluate: test.csv")
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    told = loop.retrain()
    repo = loop.repo
    new, old = (models.resolve(repo, f"m@v{number}") for number in (2, 1))
    assert told.held_out is not None
    assert choose(repo, new, None, start=loop.root).oid == told.held_out.oid
    assert choose(repo, old, None, start=loop.root).path == "test.csv"


def test_a_metric_that_each_run_logged_on_its_own_data_is_told_as_that(template: Loop) -> None:
    (template.root / "judge.sh").write_text("echo '{\"auc\": 0.96}' > metrics.json\n")
    git(template.root, "commit", "--quiet", "--all", "--message", "Judge another way")
    template.answer(rows(600, 2, "b"))
    told = template.retrain()
    assert told.status == "refused"
    assert "auc not worse than production" in told.why
    assert str(told.hint).startswith("each run logged it on its own test data")
