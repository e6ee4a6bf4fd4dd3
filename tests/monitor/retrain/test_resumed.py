"""A retraining that is gone on with goes on as it began, or looks again at what has changed."""

import pytest

from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.monitor.retrain import record
from mlops_cli.monitor.retrain import retrain as module
from mlops_cli.registry import routes
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import register
from tests.monitor.retrain.conftest import Loop, rows


def broken_off(loop: Loop, step: record.Step) -> None:
    """Retrain on rows by which nothing new is better, and break off before a step."""

    def breaks(_: object) -> None:
        raise ExternalError("the disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(module._STEPS, step, breaks)
        with pytest.raises(ExternalError):
            loop.retrain()


def test_a_stage_that_is_none_is_refused_before_anything_is_done(loop: Loop) -> None:
    loop.answer(rows(400, 1))
    loop.settings("stage: shadowy")
    for dry_run in (True, False):
        with pytest.raises(RequestError, match="'shadowy' is not a stage of m"):
            loop.retrain(dry_run=dry_run)
    assert record.read(loop.repo, "m").attempt is None


def test_another_stage_in_the_settings_is_for_the_next_one(loop: Loop) -> None:
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    loop.settings("stage: staging")
    broken_off(loop, "promote")
    loop.settings("stage: production")
    told = loop.retrain()
    assert (told.status, told.stage) == ("promoted", "staging")
    assert loop.model.stages == {"production": 1, "staging": 2}
    assert "it began for staging; production is for the next one" in loop.said


def test_it_is_compared_anew_with_what_stands_there_by_then(loop: Loop) -> None:
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    loop.settings("canary: {share: 20%, for: 1h, min_requests: 50}")
    assert loop.retrain().status == "canary"
    register(loop.repo, "m", path=loop.root / "by_b.skops", force=True)
    promote(loop.repo, "m@v3", "production")
    loop.ahead_s = 3700
    told = loop.retrain()
    assert told.status == "not better"
    assert told.gain is not None
    assert told.gain["against"] == 3
    assert loop.model.stages == {"production": 3}
    assert not [arm for arm in routes.arms(loop.model) if arm.version == 2]


def test_it_is_compared_anew_by_another_metric(loop: Loop) -> None:
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    broken_off(loop, "promote")
    loop.settings("metric: log_loss")
    told = loop.retrain()
    assert told.gain is not None
    assert told.gain["metric"] == "log_loss"


def test_one_that_was_refused_leaves_errors_risen(loop: Loop) -> None:
    loop.settings(model="stages: {production: {gates: [{metric: auc, min: 0.9}]}}")
    evaluate(loop.repo, loop.model.newest, "train.csv")
    loop.answer(rows(600, 2, "b"))
    assert loop.retrain(if_needed=True).status == "refused"
    loop.settings("earlier: false")
    told = loop.retrain(if_needed=True, dry_run=True)
    assert told.status == "would retrain"
    assert "errors rose to" in told.steps[0]
    assert "480 rows" in told.why
