"""A version from before comes back when it is better on the newest rows; nothing is trained."""

from mlops_cli.core.repository import open_repository
from mlops_cli.monitor.retrain import action
from mlops_cli.registry import promote
from tests.conftest import Mlo
from tests.monitor.retrain.conftest import Loop, rows


def replaced(loop: Loop) -> None:
    """Have what is true change, and a new version take the place of the first."""
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    assert loop.retrain(if_needed=True).status == "promoted"
    assert loop.model.stages == {"production": 2}


def test_what_was_true_before_brings_back_the_version_that_knew_it(loop: Loop) -> None:
    loop.settings("max_per_day: 1")
    replaced(loop)
    loop.answer(rows(300, 3))
    would = loop.retrain(if_needed=True, dry_run=True)
    assert (would.status, would.why) == ("would retrain", "bring back v1: nothing is trained")
    assert "nearer the truth than v2" in would.steps[0]
    told = loop.retrain(if_needed=True)
    assert (told.status, told.why) == ("promoted", "v1 is in production again, after v2")
    assert loop.model.stages == {"production": 1}
    assert len(loop.model.versions) == 2
    assert (told.run, told.trained) == (None, None)
    assert told.cause["kind"] == "earlier version"
    assert "nearer the truth than v2" in told.cause["reason"]
    steps = [one["step"] for one in loop.recorded() if one["attempt"] == told.attempt]
    assert steps == ["begin", "data", "compare", "end"]
    assert loop.model.events[-1].detail["cause"]["retraining"] == told.attempt
    assert loop.retrain(if_needed=True).status == "not needed"


def test_its_errors_are_held_against_those_when_it_was_made(loop: Loop) -> None:
    """Not against those by which it was replaced, or no rise would ever be seen."""
    replaced(loop)
    loop.answer(rows(300, 3))
    assert loop.retrain(if_needed=True).version == 1
    mixed = rows(600, 4).assign(y=lambda frame: ((frame["a"] > 0) ^ (frame["b"] > 1)).astype(int))
    loop.answer(mixed)
    told = loop.retrain(if_needed=True, dry_run=True)
    assert told.status == "would retrain"
    assert "train on" in told.why


def test_one_that_was_not_better_when_it_was_made_is_looked_at_again(loop: Loop) -> None:
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    loop.settings("confidence: 0.9999, held_out: 0.05, held_out_rows: 30")
    loop.answer(rows(30, 3))
    told = loop.retrain(if_needed=True)
    assert (told.status, told.version) == ("not better", 2)
    loop.answer(rows(300, 4, "b"))
    told = loop.retrain(if_needed=True)
    assert (told.status, told.cause["kind"]) == ("promoted", "earlier version")
    assert loop.model.stages == {"production": 2}


def test_one_that_was_sent_back_stays_away(loop: Loop) -> None:
    replaced(loop)
    promote.rollback(loop.repo, "m", "production", reason="people complained")
    loop.answer(rows(300, 3, "b"))
    assert "bring back" not in loop.retrain(if_needed=True, dry_run=True).why
    promote.promote(loop.repo, "m@v2", "production")
    promote.promote(loop.repo, "m@v1", "production")
    assert "bring back v2" in loop.retrain(if_needed=True, dry_run=True).why


def test_none_comes_back_where_none_may_or_little_is_known(loop: Loop) -> None:
    replaced(loop)
    loop.answer(rows(99, 3))
    assert "bring back" not in loop.retrain(if_needed=True, dry_run=True).why  # too few rows
    loop.answer(rows(200, 4))
    assert "bring back v1" in loop.retrain(if_needed=True, dry_run=True).why
    for setting in (
        "earlier: false",
        "source: {file: train.csv}",
    ):  # of a file's no times are known
        loop.settings(setting)
        assert "bring back" not in loop.retrain(if_needed=True, dry_run=True).why


def test_it_is_tried_as_any_other_and_waits_where_it_was_killed(loop: Loop) -> None:
    replaced(loop)
    loop.settings("canary: {share: 50%, for: 1h, min_requests: 20}")
    loop.answer(rows(300, 3))
    told = loop.retrain(if_needed=True)
    assert (told.status, told.version) == ("canary", 1)
    loop.answer(rows(100, 4), "m@v1")
    loop.ahead_s = 3700
    assert loop.retrain().why == "v1 is in production again, after v2"


def test_the_monitor_looks_by_itself_where_it_is_told_to(loop: Loop, mlo_here: Mlo) -> None:
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    mlo_here("monitor", "--once", code=2)
    assert list(action.go_on(loop.repo, loop.using())) == []
    loop.settings("if_needed: true")
    (told,) = action.go_on(open_repository(loop.root), loop.using())
    assert (getattr(told, "status", told)) == "promoted"
    mlo_here("monitor", "--once")
    assert loop.model.stages == {"production": 2}
