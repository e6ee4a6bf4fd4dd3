"""Over windows a column has drifted when it has in some windows in a row."""

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.config import DriftSettings
from mlops_cli.errors import RequestError
from mlops_cli.monitor.over_windows import Window, compare_windows
from mlops_cli.monitor.sources.frame import of_frame

ROWS = 300


def over(*shifts, rows=ROWS, settings=None, seed=4, importance=None):
    """Compare windows of which each is shifted, None for an empty one; `y` stays as it was."""
    r = np.random.default_rng(seed)
    reference = pd.DataFrame({"x": r.normal(size=2000), "y": r.normal(size=2000)})
    made = [
        pd.DataFrame({"x": r.normal(shift or 0, size=n), "y": r.normal(size=n)})
        for shift in shifts
        for n in [0 if shift is None else rows]
    ]
    windows = [Window(f"day {i}", of_frame(one)) for i, one in enumerate(made)]
    return compare_windows(of_frame(reference), windows, settings, importance=importance)


def test_drift_in_two_windows_in_a_row_is_drift_and_it_is_told_since_when():
    report = over(0, 0, 0, 0.8, 0.8, 0.9)
    assert (report.verdict, report.holds) == ("drift", False)
    assert report.reason == (
        "1 of 2 columns (x) drifted; x in 3 windows in a row, from day 3 on, and still does"
    )
    worst = report.columns[0]
    assert (worst.name, worst.since, worst.in_a_row, worst.now) == ("x", "day 3", 3, True)
    assert [one.verdict for one in report.windows] == ["ok"] * 3 + ["drift"] * 3


def test_one_window_that_differs_is_a_warning():
    report = over(0, 0, 0.9, 0, 0)
    assert (report.verdict, report.holds) == ("warn", True)
    assert report.reason == "1 of 2 columns (x) differs, but in fewer than 2 windows in a row"
    assert over(0, 0.9, 0, settings=DriftSettings(windows_in_a_row=1)).verdict == "drift"


def test_drift_that_is_over_is_still_told():
    report = over(0.9, 0.9, 0, 0)
    assert report.verdict == "drift"
    assert report.reason.endswith("from day 0 on, and no longer does")
    assert not report.columns[0].now


def test_an_empty_window_neither_ends_a_row_nor_makes_it_longer():
    report = over(0, 0.9, None, 0.9)
    assert report.columns[0].in_a_row == 2
    assert report.windows[2].verdict == "too few rows"
    assert report.windows[2].reason == "0 rows in the current data, 50 are needed"
    assert over(0, 0.9, None, 0).verdict == "warn"


def test_windows_without_rows_say_nothing():
    assert over(None, None).reason == "no window has 50 rows"
    assert (over().verdict, over().reason) == ("too few rows", "there is no window")


def test_a_column_that_grows_apart_has_a_rising_trend():
    course = over(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, rows=1000).columns[0]
    assert (course.name, course.trend.direction) == ("x", "rising")
    assert len(course.effects) == 7
    assert all(effect is not None for effect in course.effects)


def test_importance_is_carried():
    report = over(0.8, 0.8, importance={"x": 1, "y": 3})
    assert report.columns[0].importance == 0.25
    assert "25 % of the importance" in report.windows[0].reason


def test_a_column_that_is_missing_in_all_windows_cannot_be_compared():
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=ROWS), "gone": 1})
    windows = [Window(str(i), of_frame(frame[["x"]])) for i in range(2)]
    report = compare_windows(of_frame(frame), windows)
    assert (report.verdict, report.holds) == ("not comparable", False)
    assert report.reason == "1 of 2 columns (gone) cannot be compared"


def test_windows_that_share_no_column_are_refused():
    one = of_frame(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(RequestError, match="no column in common"):
        compare_windows(one, [Window("1", of_frame(pd.DataFrame({"b": [1.0]})))])


def test_unchanged_windows_are_rarely_said_to_have_drifted():
    """Twelve windows of two columns; q bounds the chance of any verdict, two in a row more so."""
    verdicts = [over(*[0] * 12, rows=100, seed=seed).verdict for seed in range(40)]
    assert verdicts.count("drift") == 0
    assert verdicts.count("warn") <= 4
