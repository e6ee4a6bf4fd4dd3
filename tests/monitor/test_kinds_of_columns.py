"""Each kind of column is tested by what can be said of it, or it is said why it is not."""

import time

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.config import DriftSettings
from mlops_cli.monitor.drift import compare_frames
from mlops_cli.monitor.numeric import Asked
from tests.monitor.test_words import some_texts

ROWS = 300


def rng():
    return np.random.default_rng(20)


def one(reference, current, asked=None, **settings):
    """Compare two single columns and return what is said of it."""
    frames = (pd.DataFrame({"x": pd.Series(values)}) for values in (reference, current))
    return compare_frames(*frames, DriftSettings(**settings), asked=asked).columns[0]


def test_text_of_one_kind_has_not_drifted_and_of_another_has():
    r = rng()
    reference = some_texts(r, ROWS)
    same = one(reference, some_texts(r, ROWS))
    assert (same.kind, same.verdict) == ("text", "ok")
    other = one(reference, some_texts(r, ROWS, shift=400))
    assert (other.kind, other.verdict, other.test) == ("text", "drift", "unseen words")
    assert other.change.startswith("unseen words ")
    assert other.reason.startswith("new words: 'w")


def test_texts_that_both_sides_share_are_no_drift():
    """They have fewer unseen words than were to be expected, which is no change."""
    reference = some_texts(rng(), ROWS, vocabulary=30_000)
    same = one(reference, reference)
    assert (same.verdict, same.effect, same.q) == ("ok", 0.0, 1.0)
    more = one(reference, reference + some_texts(np.random.default_rng(3), 60, vocabulary=30_000))
    assert (more.kind, more.verdict) == ("text", "ok")


def test_text_that_grew_shorter_has_drifted():
    r = rng()
    reference = some_texts(r, ROWS)
    found = one(reference, [text[: len(text) // 2] for text in some_texts(r, ROWS)])
    assert found.verdict == "drift"
    assert any(name.endswith(", of lengths") for name in found.distances)


def test_text_that_became_one_word_has_drifted_and_so_has_the_way_back():
    reference, spam = some_texts(rng(), ROWS), ["refund now"] * ROWS
    collapsed = one(reference, spam)
    assert (collapsed.kind, collapsed.verdict) == ("text", "drift")
    assert collapsed.effect > 0.9
    assert one(spam, reference).verdict == "drift"
    assert one(reference, reference[:1] * ROWS).verdict == "drift"  # no word of it is unseen


def test_names_that_became_few_values_have_drifted_and_so_has_the_way_back():
    names, few = [f"a{i:04}" for i in range(ROWS)], ["a0001", "a0002"] * (ROWS // 2)
    found = one(names, few)
    assert (found.kind, found.verdict, found.test) == ("id", "drift", "distinct texts")
    assert found.change == "distinct texts 100 % -> 0.67 %"
    assert one(few, names).change == "distinct texts 0.67 % -> 100 %"


@pytest.mark.parametrize(("rows", "others"), [(3000, 100), (100, 3000)])
def test_values_that_hardly_repeat_in_few_rows_only_have_not_drifted(rows, others):
    """Of two hundred cities a hundred rows have most but once, and three thousand rows have few."""
    r = rng()
    found = one(*([f"city {i}" for i in r.integers(0, 200, n)] for n in (rows, others)))
    assert (found.kind, found.verdict) == ("id", "not tested")
    side = "current data" if others == 100 else "reference"
    assert f" of the values in the {side} are distinct: names, not categories" in found.reason


def test_keys_are_said_to_be_keys_and_are_not_tested():
    row_numbers = one(range(ROWS), range(ROWS, 2 * ROWS))
    assert (row_numbers.kind, row_numbers.verdict) == ("id", "not tested")
    assert row_numbers.reason == "whole numbers that never repeat: ids, not amounts"
    drawn = rng().permutation(2000)
    assert one(drawn[:ROWS], drawn[ROWS : 2 * ROWS]).kind == "id"
    named = one([f"a{i}" for i in range(ROWS)], [f"b{i}" for i in range(ROWS)])
    assert (named.kind, named.verdict) == ("id", "not tested")


def test_whole_amounts_that_hardly_repeat_are_no_keys():
    r = rng()
    found = one(r.integers(0, 10**7, ROWS), r.integers(0, 10**7, ROWS))
    assert (found.kind, found.verdict) == ("number", "ok")


def test_codes_are_tested_as_categories_too():
    """Neighbouring codes that change places hardly move the distribution function."""
    r = rng()
    shares = np.tile([0.16, 0.04], 5)
    found = one(r.choice(10, 2000, p=shares), r.choice(10, 2000, p=shares[::-1]))
    assert (found.kind, found.test, found.verdict) == ("number", "chi-square", "drift")
    assert found.effect > 0.5


def moments(r, days, rows, hours=24, start="2026-01-05"):
    seconds = np.sort(r.integers(0, days, rows) * 86400 + r.integers(0, hours * 3600, rows))
    return pd.Series(pd.Timestamp(start) + pd.to_timedelta(seconds, unit="s"))


def test_hours_of_the_day_are_tested_over_whole_days():
    r = rng()
    reference = moments(r, 30, 2000)
    same = one(reference, moments(r, 30, 1500, start="2026-03-02"))
    assert (same.kind, same.verdict) == ("datetime", "ok")
    assert same.reason == (
        "2026-03-02 to 2026-03-31, in the reference 2026-01-05 to 2026-02-03; "
        "of dates, only hours and weekdays are tested"
    )
    half = one(reference[::2].reset_index(drop=True), reference[1::2].reset_index(drop=True))
    assert half.reason == "of dates, only hours and weekdays are tested"
    office = one(reference, moments(r, 30, 1500, hours=12, start="2026-03-02"))
    assert (office.verdict, office.test) == ("drift", "hour of the day")
    assert "UTC" in office.change


def test_weekdays_are_tested_over_whole_weeks():
    days = pd.Series(pd.date_range("2026-01-05", periods=70).repeat(10))
    working = days[days.dt.day_of_week < 5].reset_index(drop=True)
    found = one(days, working)
    assert (found.verdict, found.test) == ("drift", "day of the week")
    assert one(days, days + pd.Timedelta(days=70)).verdict == "ok"


def test_few_days_say_nothing_of_their_rhythm():
    r = rng()
    found = one(moments(r, 30, 2000), moments(r, 3, 200))
    assert (found.verdict, found.test) == ("not tested", None)
    assert found.reason.startswith("dates move on by themselves")
    later = one(moments(r, 3, 200), moments(r, 1, 200, start="2036-01-05"))
    assert later.reason.endswith("; 2036-01-05, in the reference 2026-01-05 to 2026-01-07")


def test_a_long_gap_is_mentioned():
    r = rng()
    late = moments(r, 30, 2000)
    late = late[(late < "2026-01-15") | (late > "2026-01-20")]
    found = one(moments(r, 30, 2000), late.reset_index(drop=True))
    assert "a gap of 5" in found.reason


def test_values_of_mixed_types_are_said_to_be_mixed():
    values = [str(i % 9) for i in range(ROWS)]
    found = one(values, ["n/a" if i % 10 == 0 else value for i, value in enumerate(values)])
    assert (
        found.reason == "1 new value: 'n/a'; mixed types: 90 % of the current data reads as numbers"
    )


def test_numbers_that_became_text_are_said_to_be_mostly_numbers():
    r = rng()
    values = pd.Series(r.normal(size=ROWS))
    found = one(values, values.map(str).where(r.random(ROWS) < 0.9, "n/a"))
    assert found.verdict == "not comparable"
    assert found.reason.startswith("numbers in the reference, text in the current data (99 %")


def test_categories_that_came_and_went_are_named():
    found = one(["a", "b", "gone"] * 100, ["a", "b", "new"] * 100)
    assert found.reason == "1 new value: 'new'; 1 value gone: 'gone'"


def test_distances_are_named_with_their_bins_and_decide_nothing():
    r = rng()
    found = one(r.normal(size=ROWS), r.normal(size=ROWS))
    assert list(found.distances) == [
        "kolmogorov-smirnov",
        "psi (10 bins by deciles of the reference)",
        "jensen-shannon (10 bins by deciles of the reference)",
        "hellinger (10 bins by deciles of the reference)",
        "wasserstein (unit of the column)",
        "wasserstein (standard deviations of the reference)",
    ]
    assert not one([1.0, 2.0] * 150, [2.0] * ROWS, Asked(distances=False)).distances
    far = one([1.0, np.inf] * 150, [1.0, -np.inf] * 150)
    assert all(np.isfinite(value) for value in far.distances.values())


def test_other_tests_are_told_on_request():
    r = rng()
    every = Asked(every=True)
    names = [each.test for each in one(r.normal(size=ROWS), r.normal(size=ROWS), every).others]
    assert names == ["kolmogorov-smirnov", "z-test of means"]
    flags = one([True, False] * 150, [True, False, False] * 100, every).others
    assert [each.test for each in flags] == [
        "kolmogorov-smirnov",
        "z-test of means",
        "chi-square",
        "g-test",
        "z-test of proportions",
    ]
    assert flags[-1].statistic < 0 < flags[-1].p < 0.001  # fewer are true now
    texts = one(["a", "b", "c"] * 100, ["a", "b", "b"] * 100, every).others
    assert [each.test for each in texts] == ["chi-square", "g-test"]
    assert all(0 <= each.p <= 1 for each in (*flags, *texts))


def test_which_drifted_column_matters_is_said():
    r = rng()
    reference = pd.DataFrame(r.normal(size=(ROWS, 3)), columns=list("abc"))
    current = reference + [1.0, 0.6, 0.0]
    report = compare_frames(reference, current, importance={"a": 1, "b": -3, "c": 4})
    assert report.reason == (
        "2 of 3 columns (b, a) drifted, 50 % of the importance (most: b, 38 %)"
    )
    assert [column.importance for column in report.columns] == [0.375, 0.125, 0.5]


def test_ten_thousand_columns_that_were_all_renamed_take_seconds():
    frame = pd.DataFrame(np.zeros((2, 10_000)), columns=[f"a{i}" for i in range(10_000)])
    started = time.process_time()
    report = compare_frames(
        frame, frame.rename(columns={f"a{i}": f"b{i}" for i in range(1, 10_000)})
    )
    assert report.verdict == "not comparable"
    assert time.process_time() - started < 30


@pytest.mark.parametrize("rows", [0, 1])
def test_no_row_or_one_on_both_sides_is_too_few(rows):
    frame = pd.DataFrame({"x": [1.5], "when": pd.Timestamp("2026"), "t": "a b c"}).head(rows)
    report = compare_frames(frame, frame)
    assert report.verdict == "too few rows"
    assert report.holds


@pytest.mark.parametrize(
    "values", [[np.inf, -np.inf], [1.7e308, -1.7e308], [5e-324, 0.0], [10**30, 10**30 + 7]]
)
def test_the_ends_of_the_numbers_are_compared_without_a_warning(values):
    """Warnings are errors here."""
    found = one(values * 100, values * 100, Asked(every=True))
    assert found.verdict == "ok"
    assert all(np.isfinite(value) for value in found.distances.values())
