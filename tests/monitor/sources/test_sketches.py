"""What is estimated is off by no more than it says, in memory that does not grow, in any parts."""

import pickle
from collections import Counter

import numpy as np
import pytest

from mlops_cli.core.config import DriftSettings
from mlops_cli.errors import RequestError
from mlops_cli.monitor import drift
from mlops_cli.monitor.sources import numbers, opened, sketches
from mlops_cli.monitor.sources.frame import of_frame
from mlops_cli.monitor.sources.sketches import SketchSum
from mlops_cli.monitor.statistics import gaps
from tests.monitor.sources.conftest import mixed

ROWS = 300_000


def normal(seed=1, rows=ROWS):
    return np.random.default_rng(seed).normal(size=rows)


def summed(*blocks):
    kept = SketchSum()
    for block in blocks:
        kept.add_numbers("number", block, 0)
    return kept


def off(found, values):
    """Return by how much the distribution function is off where it is most."""
    return gaps.between(found, numbers.summed("number", len(values), values.copy())).distance


def test_few_values_are_exact():
    values = np.random.default_rng(1).integers(0, 4000, ROWS).astype(float)
    found = summed(*np.array_split(values, 7)).distribution()
    exact = numbers.summed("number", ROWS, values)
    assert (found.values.tolist(), found.counts.tolist()) == (
        exact.values.tolist(),
        exact.counts.tolist(),
    )
    assert found.error == 0.0


@pytest.mark.parametrize("parts", [1, 5])
def test_quantiles_are_off_by_less_than_is_said(parts):
    values = normal()
    found = summed(*np.array_split(values, parts)).distribution()
    assert 0 < found.error < 0.001
    assert off(found, values) < 2 * found.error
    assert found.distinct == pytest.approx(ROWS, rel=0.06)
    assert (found.rows, found.nulls) == (ROWS, 0)


def test_sums_of_parts_merge_into_that_of_the_whole_also_when_they_were_sent():
    values = normal()
    few = np.repeat([1.0, 2.0], 50_000)
    kept = summed(few)
    for part in (values[:1000], values[1000:200_000], values[200_000:]):
        kept.merge(pickle.loads(pickle.dumps(summed(part))))
    found = kept.distribution()
    assert found.rows == ROWS + len(few)
    assert off(found, np.concatenate((few, values))) < 2 * found.error


def test_frequent_texts_are_found_among_many():
    kept, other = SketchSum(), SketchSum()
    rare = [f"rare {number}" for number in range(30_000)]
    for number, one in enumerate((kept, other)):
        one.add_texts(Counter({"common": 40_000, **dict.fromkeys(rare[number::2], 1)}), 10)
    kept.merge(pickle.loads(pickle.dumps(other)))
    found = kept.distribution()
    assert (found.kind, found.rows, found.nulls) == ("category", 110_020, 20)
    assert found.categories["common"] == pytest.approx(80_000, abs=found.error * 110_000)
    assert found.distinct == pytest.approx(30_001, rel=0.05)
    assert found.others == 110_000 - sum(found.categories.values())


def test_numbers_among_texts_are_texts():
    kept = summed(np.array([1.0, 2.5]))
    kept.add_texts({"none": 4}, 1)
    found = kept.distribution()
    assert found.categories == {"1": 1, "2.5": 1, "none": 4}
    assert kept.mixed


def test_infinite_and_missing_numbers_are_counted():
    values = normal(rows=10_000)
    values[:3], values[3:7] = np.inf, np.nan
    found = summed(values).distribution()
    assert (found.infinite, found.nulls, found.rows) == (3, 4, 10_000)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_small_tables_are_exact_even_when_estimates_would_do(folder, name):
    found, exact = opened.of_file(folder / name, approx=True), of_frame(mixed())
    for column in exact.names:
        one, other = found.column(column), exact.column(column)
        assert (one.kind, one.nulls, one.distinct) == (other.kind, other.nulls, other.distinct)
        assert one.values.tolist() == other.values.tolist()
        assert one.categories == other.categories


class Columns:
    """Columns in sum as a table."""

    def __init__(self, **columns):
        self.names, self.rows, self.column = tuple(columns), ROWS, columns.__getitem__


def test_estimates_raise_no_alarm_of_their_own_and_miss_no_drift():
    before = Columns(x=summed(normal(1)).distribution())
    settings = DriftSettings(effect=0.001, warn=0.0005, q=0.01)
    for seed in range(2, 6):
        now = Columns(x=summed(normal(seed)).distribution())
        assert drift.compare(before, now, settings).verdict == "ok"
    now = Columns(x=summed(normal(2) + 0.3).distribution())
    found = drift.compare(before, now)
    assert found.verdict == "drift"
    assert "exact to 0.0" in found.columns[0].reason


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasketches", None)
    with pytest.raises(RequestError) as refused:
        sketches.library()
    assert "mlo[sketches]" in refused.value.hint
