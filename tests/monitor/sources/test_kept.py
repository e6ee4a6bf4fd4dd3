"""What a version keeps of its training data stands for the data."""

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor import drift
from mlops_cli.monitor.sources import numbers
from mlops_cli.monitor.sources.frame import of_frame
from mlops_cli.monitor.sources.kept import of_profile
from mlops_cli.monitor.statistics import gaps
from mlops_cli.registry import profile
from tests.monitor.sources.conftest import mixed


def kept(frame):
    return of_profile(profile.of_table(lambda _: [frame]))


def test_columns_that_were_counted_are_exact():
    frame = mixed().drop(columns=["normal", "key", "day"])
    found, exact = kept(frame), of_frame(frame)
    assert (found.names, found.rows) == (exact.names, exact.rows)
    for name in found.names:
        one, other = found.column(name), exact.column(name)
        assert (one.kind, one.rows, one.nulls, one.error) == (
            other.kind,
            other.rows,
            other.nulls,
            0.0,
        )
        assert one.values.tolist() == other.values.tolist()
        assert one.counts.tolist() == other.counts.tolist()
        assert one.categories == other.categories


@pytest.mark.parametrize("rows", [2_000, 200_000])
def test_quantiles_are_off_by_less_than_is_said(rows):
    values = np.random.default_rng(1).normal(size=rows)
    values[: rows // 3] = 0.0
    one = kept(pd.DataFrame({"x": values})).column("x")
    exact = numbers.summed("number", rows, values)
    assert 0 < one.error < 0.004
    assert gaps.between(one, exact).distance < one.error
    assert one.present == rows


def test_infinite_values_are_left_out_of_the_rows():
    one = kept(mixed()).column("normal")
    assert one.infinite == 0
    assert np.isfinite(one.values).all()
    assert one.rows == 399


def test_rare_texts_that_were_left_out_are_counted_together():
    frame = pd.DataFrame({"c": [f"c{number % 1500}" for number in range(6_000)]})
    one = kept(frame).column("c")
    assert len(one.categories) == profile.MOST_CATEGORIES
    assert (one.others, one.distinct, one.names) == (2_000, 1_500, False)
    assert kept(frame.assign(c=range(6000)).astype(str)).column("c").names


def test_a_table_like_the_one_that_is_kept_has_not_drifted():
    before, now = mixed(20_000), mixed(20_000, seed=2)
    assert drift.compare(kept(before), of_frame(now.drop(columns="day"))).columns[0].verdict == (
        "not comparable"
    )
    report = drift.compare(kept(before), of_frame(now))
    assert {one.name for one in report.columns if one.verdict == "drift"} == set()


def test_dates_that_were_kept_as_text_are_dates():
    days = [f"2026-01-{1 + number % 28:02}" for number in range(200)]
    one = kept(pd.DataFrame({"day": days})).column("day")
    assert (one.kind, one.rows, one.distinct) == ("datetime", 200, 28)
    assert np.diff(one.values).tolist() == [86_400.0] * 27
    assert int(one.counts.sum()) == 200
