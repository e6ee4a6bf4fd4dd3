"""A table is told as it is, whatever is in it, and what is odd about it is said."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor.profiling.table import TableProfile, profile
from mlops_cli.monitor.report import profile as report
from mlops_cli.monitor.sources.frame import of_frame
from tests.page.test_page import EVIL as NO_UNICODE
from tests.page.test_page import Checked

EVIL = NO_UNICODE.replace("\ud800", "ü")
WHEN = datetime(2026, 1, 31, tzinfo=UTC)


def told(frame: pd.DataFrame, blocks: int = 1) -> TableProfile:
    size = max(1, -(-len(frame) // blocks))
    parts = [frame.iloc[at : at + size] for at in range(0, len(frame), size)]
    return profile(of_frame(frame), parts)


def odd(values, name: str = "x") -> list[str]:
    return list(told(pd.DataFrame({name: values})).columns[0].oddities)


def test_numbers_are_told_as_numpy_computes_them():
    values = np.random.default_rng(1).normal(5, 2, 999)
    column = told(pd.DataFrame({"x": np.append(values, np.nan)})).columns[0]
    assert (column.kind, column.rows, column.missing, column.distinct) == ("number", 1000, 1, 999)
    assert (column.low, column.high) == (values.min(), values.max())
    assert column.mean == pytest.approx(values.mean())
    assert column.std == pytest.approx(values.std())
    shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    assert column.quantiles == pytest.approx(np.quantile(values, shares, method="nearest"))
    assert sum(column.bins.shares) == pytest.approx(1)


def test_the_commonest_values_come_first():
    found = told(pd.DataFrame({"city": ["a", "b", "b", "c", "b", "c"], "n": [1, 7, 7, 1, 7, 0]}))
    assert found.columns[0].common == (("b", 3), ("c", 2), ("a", 1))
    assert found.columns[1].common == ((7.0, 3), (1.0, 2))


def test_values_far_out_do_not_squeeze_the_others_into_one_bin():
    column = told(pd.DataFrame({"x": [*np.linspace(0, 1, 500), 1e9]})).columns[0]
    assert max(column.bins.shares) < 0.1
    column = told(pd.DataFrame({"x": np.linspace(0, 10, 500)})).columns[0]
    assert column.bins.starts[0] == 0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1] * 30, "constant: every value is the same"),
        (["a"] * 299 + ["b"], "nearly constant: 100 % of the values are the same"),
        (list(range(30)), "every value is different, as in an id"),
        ([f"user {n}" for n in range(30)], "every value is different, as in an id"),
        ([None] * 20 + [1.0] * 15 + [2.0], "56 % of the rows have no value"),
        ([np.nan] * 5, "no row has a value"),
        ([1.5, np.inf, -np.inf], "2 infinite values"),
        (["1", "2"] * 12 + ["many"], "mixed: 96 % are numbers, and others are not, as 'many'"),
        (["1.5", "2"] * 12, "numbers that are kept as text"),
        (["2026-01-31", "2026-02-01"] * 12, "dates that are kept as text"),
        (["x", "?"] * 12, "'?' may stand for a missing value"),
        (["Ulm", "ulm "] * 12, "'Ulm' and 'ulm ' differ only in case or spaces"),
    ],
)
def test_what_is_odd_about_a_column_is_said(values, says):
    assert says in odd(values)


@pytest.mark.parametrize(
    "values",
    [
        list(np.random.default_rng(2).normal(size=100)),
        ["a", "b", "c"] * 20,
        [True, False] * 20,
        list(pd.date_range("2026-01-01", periods=50)),
        [1, 2],
    ],
    ids=["numbers", "categories", "booleans", "moments", "two rows"],
)
def test_nothing_is_odd_about_usual_columns(values):
    assert odd(values) == []


@pytest.mark.parametrize("blocks", [1, 3, 50])
def test_rows_that_are_there_twice_are_counted_across_blocks(blocks):
    frame = pd.DataFrame({"x": range(100), "y": [None, *["b"] * 99]})
    frame = pd.concat([frame, frame.iloc[[0, 5, 5]]], ignore_index=True)
    assert told(frame, blocks).repeated == 3
    frame["x"] = frame["x"].where(frame.index != 50)  # one block has floats, the others integers
    assert told(frame, blocks).repeated == 3


def test_columns_that_go_together_are_named_the_closest_first():
    rng = np.random.default_rng(3)
    a = rng.normal(size=30_000)
    frame = pd.DataFrame(
        {"a": a, "noise": rng.normal(size=30_000), "c": -a + rng.normal(size=30_000)}
    )
    found = told(frame.assign(b=np.exp(a)), 7)
    first = found.pairs[0]
    assert (first.first, first.second, first.correlation) == ("a", "b", 1)
    assert found.pairs[1].correlation == pytest.approx(-0.69, abs=0.02)
    assert 5_000 <= found.sampled <= 10_000
    assert "'a' and 'b' order the rows nearly alike" in found.oddities
    assert "noise" not in str(found.pairs)


def test_cells_that_cannot_be_hashed_and_columns_of_one_name_do_no_harm():
    assert told(pd.DataFrame({"x": [[1], [1], [2]]})).repeated == 1
    found = told(pd.DataFrame([[1, 2], [1, 2]], columns=["x", "x"]))
    assert len(found.columns) == 1
    assert "more than one column is called 'x'" in found.oddities[0]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"x": []}),
        pd.DataFrame({EVIL: [EVIL, "b", EVIL], "n": [1e308, -1e308, np.inf]}),
        pd.DataFrame({"t": pd.to_datetime(["1700-01-01", "2200-01-01"]), "b": [True, None]}),
        pd.DataFrame({"n": [5e-324, 0.0] * 20}),
    ],
    ids=["nothing", "no rows", "hostile", "far apart", "tiny"],
)
def test_a_page_is_made_of_any_table(frame):
    page = report.page(told(frame), title=NO_UNICODE, source=NO_UNICODE, when=WHEN)
    assert "script" not in Checked(page).seen
    page.encode()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("column {}", "the first 500 of 1,500; the first 120 are drawn below"),
        (EVIL * 4 + " {}", "of 1,500; the first"),
    ],
    ids=["short", "long"],
)
def test_a_page_of_very_many_columns_stays_small_and_says_what_is_left_out(name, says):
    rng = np.random.default_rng(4)
    names = [name.format(number) for number in range(1500)]
    found = profile(of_frame(pd.DataFrame(rng.normal(size=(30, 1500)), columns=names)))
    page = report.page(found, title="wide", source="wide.csv", when=WHEN)
    assert len(page.encode()) < 1_000_000
    assert says in page
