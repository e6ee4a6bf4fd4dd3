"""Drift is found where something changed and matters, and said to be unknown where it is."""

import os

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.config import DriftSettings
from mlops_cli.errors import RequestError
from mlops_cli.monitor import drift
from mlops_cli.monitor.drift import compare_frames as compare

ROWS = 300


def rng():
    return np.random.default_rng(20)


def one(reference, current, name="x", **settings):
    """Compare two single columns and return what is said of it."""
    frames = (pd.DataFrame({name: pd.Series(values)}) for values in (reference, current))
    return compare(*frames, DriftSettings(**settings)).columns[0]


def test_a_shifted_column_has_drifted_and_the_others_have_not():
    r = rng()
    reference = pd.DataFrame(r.normal(size=(ROWS, 6)), columns=list("abcdef"))
    current = pd.DataFrame(r.normal(size=(ROWS, 6)), columns=list("abcdef"))
    current["d"] += 0.8
    report = compare(reference, current)
    assert report.verdict == "drift"
    assert report.reason == "1 of 6 columns (d) drifted"
    assert not report.holds
    assert [column.name for column in report.columns if column.verdict == "drift"] == ["d"]
    worst = report.columns[0]
    assert (worst.name, worst.test) == ("d", "anderson-darling")
    assert worst.change.startswith("median ")
    assert worst.p < worst.q < 0.05 < 0.1 < worst.effect


def test_a_change_of_spread_alone_is_found_and_named():
    r = rng()
    found = one(r.normal(size=ROWS), r.normal(scale=3, size=ROWS))
    assert found.verdict == "drift"
    assert found.change.startswith("spread ")


def test_equal_tables_have_not_drifted():
    frame = pd.DataFrame({"n": rng().normal(size=ROWS), "c": ["a", "b", "c"] * 100})
    report = compare(frame, frame)
    assert (report.verdict, report.reason, report.holds) == ("ok", "no column drifted", True)
    assert all(column.effect == 0.0 and column.q == 1.0 for column in report.columns)


def test_a_significant_trifle_is_not_reported_on_many_rows():
    r = rng()
    found = one(r.normal(size=100_000), r.normal(0.05, size=100_000))
    assert found.q < 1e-6
    assert found.verdict == "ok"


def test_between_the_two_bounds_there_is_a_warning():
    r = rng()
    reference, current = r.normal(size=20_000), r.normal(0.18, size=20_000)
    found = one(reference, current)
    assert 0.05 <= found.effect < 0.1
    assert found.verdict == "warn"
    report = compare(pd.DataFrame({"x": reference}), pd.DataFrame({"x": current}))
    assert (report.verdict, report.holds) == ("warn", True)
    assert report.reason == "1 of 1 column (x) differs a little"


def test_the_bounds_come_from_the_settings():
    r = rng()
    reference, current = r.normal(size=2000), r.normal(0.5, size=2000)
    assert one(reference, current).verdict == "drift"
    assert one(reference, current, effect=0.5).verdict == "warn"
    assert one(reference, current, effect=0.5, warn=0.5).verdict == "ok"
    assert one(reference, current, q=1e-200).verdict == "ok"


def test_categories_whose_shares_changed_have_drifted():
    r = rng()
    found = one(r.choice(["a", "b"], ROWS, p=[0.8, 0.2]), r.choice(["a", "b"], ROWS, p=[0.5, 0.5]))
    assert (found.kind, found.test, found.verdict) == ("category", "chi-square", "drift")
    assert "%" in found.change


def test_a_category_never_seen_before_is_named():
    found = one(["a", "b"] * 150, ["a", "b", "new"] * 100)
    assert found.verdict == "drift"
    assert found.change == "'new' 0 % -> 33 %"
    assert found.reason == "1 new value: 'new'"


def test_a_vanished_category_is_drift():
    found = one(["a", "b", "c"] * 100, ["a", "b"] * 150)
    assert (found.verdict, found.change) == ("drift", "'c' 33 % -> 0 %")


def test_booleans_are_compared_and_match_zeros_and_ones():
    mixed = one([True, False] * 150, [1, 0, 0, 0] * 75)
    assert (mixed.verdict, mixed.effect) == ("drift", 0.25)
    found = one([True, False] * 150, [True, False, False, False] * 75)
    assert (found.kind, found.change) == ("boolean", "true 50 % -> 25 %")


def test_missing_values_are_drift_when_many_more_are_missing():
    values = rng().normal(size=ROWS)
    holes = np.where(np.arange(ROWS) % 4 == 0, np.nan, values)
    found = one(values, holes)
    assert (found.verdict, found.test) == ("drift", "missing values")
    assert found.change == "missing 0 % -> 25 %"


def test_a_column_that_became_empty_has_drifted():
    found = one(rng().normal(size=ROWS), np.full(ROWS, np.nan))
    assert (found.verdict, found.effect) == ("drift", 1.0)
    assert found.reason == "no value in the current data"


def test_a_column_that_was_empty_and_is_filled_has_drifted():
    found = one(np.full(ROWS, np.nan), ["a", "b"] * 150)
    assert (found.kind, found.verdict) == ("category", "drift")


def test_a_column_without_values_on_either_side_is_not_tested():
    found = one(np.full(ROWS, np.nan), [None] * ROWS)
    assert (found.verdict, found.reason) == ("not tested", "no value on either side")


@pytest.mark.parametrize(("value", "text"), [(7, "always 7"), ("de", "always 'de'")])
def test_a_constant_that_stayed_is_ok(value, text):
    found = one([value] * ROWS, [value] * ROWS)
    assert (found.verdict, found.reason, found.test) == ("ok", text, None)


@pytest.mark.parametrize(("value", "other"), [(7, 8), ("de", "at")])
def test_a_constant_that_changed_has_drifted(value, other):
    found = one([value] * ROWS, [other] * ROWS)
    assert (found.verdict, found.effect) == ("drift", 1.0)


def test_infinite_values_are_counted_and_compared_as_extremes():
    values = rng().normal(size=ROWS)
    found = one(values, np.where(np.arange(ROWS) % 3 == 0, np.inf, values))
    assert (found.verdict, found.reason) == ("drift", "100 infinite values")
    assert found.change == "infinite 0 % -> 33 %"
    assert one(values, np.full(ROWS, -np.inf)).change == "infinite 0 % -> 100 %"
    assert one(np.full(ROWS, np.inf), np.full(ROWS, -np.inf)).change == "nothing finite"
    shifted = one(values, np.append(values[1:] + 2, np.inf))
    assert (shifted.change[:7], shifted.reason) == ("median ", "1 infinite value")


def test_a_retyped_column_cannot_be_compared_and_that_is_not_ok():
    reference = pd.DataFrame({"x": rng().normal(size=ROWS), "y": 1})
    current = reference.assign(x=reference["x"].map(str))
    report = compare(reference, current)
    assert (report.verdict, report.holds) == ("not comparable", False)
    assert report.reason == "1 of 2 columns (x) cannot be compared"
    assert report.columns[0].reason == (
        "numbers in the reference, text in the current data (100 % of it reads as numbers)"
    )


def test_a_renamed_column_is_missed_and_found_again():
    reference = pd.DataFrame({"mean_radius": rng().normal(size=ROWS), "y": 1})
    report = compare(reference, reference.rename(columns={"mean_radius": "mean radius"}))
    assert report.verdict == "not comparable"
    assert report.columns[0].reason == ("not in the current data; was it renamed to 'mean radius'?")
    assert report.new_columns == ("mean radius",)


def test_what_cannot_be_compared_is_said_beside_drift():
    r = rng()
    reference = pd.DataFrame({"x": r.normal(size=ROWS), "gone": 1})
    report = compare(reference, pd.DataFrame({"x": r.normal(2, size=ROWS)}))
    assert report.verdict == "drift"
    assert report.reason == "1 of 2 columns (x) drifted; 1 of 2 columns (gone) cannot be compared"


def test_names_and_dates_are_not_tested():
    reference = pd.DataFrame(
        {
            "id": [f"a{i}" for i in range(ROWS)],
            "when": pd.date_range("2025", periods=ROWS, freq="min"),
            "x": 1.0,
        }
    )
    current = reference.assign(
        id=[f"b{i}" for i in range(ROWS)],
        when=pd.date_range("2026", periods=ROWS, freq="min"),
    )
    report = compare(reference, current)
    verdicts = {column.name: column.verdict for column in report.columns}
    assert verdicts == {"x": "ok", "id": "not tested", "when": "not tested"}
    assert report.reason == "no column drifted; 2 could not be tested"


def test_a_table_of_which_nothing_can_be_tested_is_not_ok():
    frame = pd.DataFrame({"id": [f"a{i}" for i in range(ROWS)]})
    report = compare(frame, frame)
    assert (report.verdict, report.holds) == ("not comparable", False)
    assert report.reason == "there is no column that can be tested"


@pytest.mark.parametrize("rows", [0, 1, 49])
def test_few_rows_are_said_to_be_few_and_not_to_be_ok(rows):
    frame = pd.DataFrame({"x": rng().normal(size=ROWS), "c": ["a", "b"] * 150})
    report = compare(frame, frame.head(rows))
    assert (report.verdict, report.holds) == ("too few rows", True)
    word = "row" if rows == 1 else "rows"
    assert report.reason == f"{rows} {word} in the current data, 50 are needed"
    assert {column.verdict for column in report.columns} == {"too few rows"}


def test_few_rows_in_the_reference_are_said_to_be_few():
    frame = pd.DataFrame({"x": rng().normal(size=ROWS)})
    assert compare(frame.head(9), frame).reason == "9 rows in the reference, 50 are needed"


def test_a_column_with_few_values_is_left_out_and_the_others_are_tested():
    x = np.full(ROWS, np.nan)
    x[:10] = 1.0
    frame = pd.DataFrame({"x": x, "y": rng().normal(size=ROWS)})
    report = compare(frame, frame)
    assert [(column.name, column.verdict) for column in report.columns] == [
        ("x", "too few rows"),
        ("y", "ok"),
    ]
    assert report.reason == "no column drifted; 1 could not be tested"


def test_tables_without_a_common_column_are_refused():
    with pytest.raises(RequestError, match="no column in common"):
        compare(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}))


def test_repeated_column_names_are_refused():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(RequestError, match="the reference has more than one column 'a'"):
        compare(frame, frame)


def test_columns_come_worst_first():
    r = rng()
    reference = pd.DataFrame(r.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    current = reference.assign(b=reference["b"] + 3, c=reference["c"] + 1)
    assert [column.name for column in compare(reference, current).columns] == ["b", "c", "a"]


def test_a_thousand_columns_are_corrected_for():
    r = rng()
    reference, current = (pd.DataFrame(r.normal(size=(100, 1000))) for _ in range(2))
    assert compare(reference, current).verdict == "ok"


def test_threads_are_for_columns_of_many_rows() -> None:
    """Columns of few rows are work for the interpreter, and threads only take turns there."""
    assert drift.threads_for(120, 10_000) == 1
    assert drift.threads_for(200, 10) == 1
    assert drift.threads_for(1_000_000, 20) == min(4, len(os.sched_getaffinity(0)))
