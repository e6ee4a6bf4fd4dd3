"""What the loop is held against, and what is said of it; the replay is `docs/loop.md` at length."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.loop import arms, drawing, report
from benchmarks.loop.arms import Arm
from benchmarks.loop.learner import TARGET
from benchmarks.loop.report import Measured
from benchmarks.loop.streams import Stream, last_label


@pytest.fixture(scope="module")
def stream() -> Stream:
    """Return rows whose truth turns round in the middle of those that are asked."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"x": rng.normal(size=900)})
    truth = (rows["x"] > 0).to_numpy() ^ (np.arange(900) >= 600)
    return Stream("turn", rows.assign(**{TARGET: truth.astype(int)}), 300, 50, "turns round")


def test_a_frozen_model_is_right_until_the_truth_turns(stream: Stream) -> None:
    hits = arms.frozen(stream).hits
    assert hits[:300].mean() > 0.95
    assert hits[300:].mean() < 0.05


def test_schedules_are_trained_as_often_as_is_said_on_rows_that_have_come(stream: Stream) -> None:
    found = arms.schedules(stream, 2)
    assert [len(one.trained) for one in found] == [2, 2, 2, 2]
    assert all(len(one.hits) == 600 for one in found)
    since = found[0]
    assert list(since.trained) == [200, 400]
    assert since.hits[:300].mean() > 0.95
    assert 0.4 < since.accuracy < 0.9


def test_the_loop_has_to_beat_both_where_there_is_drift(stream: Stream) -> None:
    frozen = arms.frozen(stream)
    loop = Arm("closed loop", np.ones(600, dtype=bool), [350])
    measured = Measured(stream, loop, frozen, arms.schedules(stream, 1), 1.0)
    assert [row.holds for row in report.rows_of(measured)] == [True, True]
    worse = Measured(stream, frozen, frozen, arms.schedules(stream, 1), 1.0)
    assert not all(row.holds for row in report.rows_of(worse))
    said = report._section([measured], report.rows_of(measured), ["Elec2 was left out"])
    assert "| turn | 600 |" in said.text
    assert "Not measured: Elec2 was left out." in said.text
    drawn = said.groups["Accuracy over time"]
    assert drawn is not None
    assert "closed loop" in drawn
    page = drawing.page([(stream, [loop, frozen])], "here")
    assert page.startswith("<!doctype html>")
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_last_label_is_what_any_model_has_to_beat(stream: Stream) -> None:
    assert last_label(pd.DataFrame({TARGET: [1, 1, 0, 0, 0]})) == 0.75
