"""Columns together have drifted when a classifier tells tables apart; it is said by which."""

from contextlib import contextmanager
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mlops_cli.errors import RequestError
from mlops_cli.monitor.multivariate.check import check
from mlops_cli.monitor.multivariate.encoded import encode
from tests.monitor.test_words import some_texts


def table(r, rows, *, rho=0.0, shift=0):
    """Return a table of all kinds of columns, of which `x` and `y` go together as `rho` says."""
    x = r.normal(size=rows)
    return pd.DataFrame(
        {
            "x": x,
            "y": rho * x + np.sqrt(1 - rho**2) * r.normal(size=rows),
            "holes": np.where(r.random(rows) < 0.1, np.nan, r.normal(size=rows)),
            "flag": r.random(rows) < 0.3,
            "letter": r.choice(["a", "b", "c"], rows),
            "said": some_texts(r, rows, shift=shift),
            "key": range(rows),
            "name": [f"n{i}" for i in range(rows)],
            "when": pd.Timestamp("2026-01-01"),
        }
    )


def test_columns_that_go_together_anew_are_drift_and_are_named():
    r = np.random.default_rng(0)
    report = check(table(r, 500), table(r, 500, rho=0.9))
    assert (report.verdict, report.holds) == ("drift", False)
    assert "a classifier tells the tables apart (AUC 0." in report.reason
    assert report.reason.endswith(("x, y give it away", "y, x give it away"))
    assert report.left_out == {"key": "keys", "name": "names", "when": "dates"}


def test_text_about_something_else_is_found():
    r = np.random.default_rng(1)
    report = check(table(r, 300), table(r, 300, shift=700))
    assert report.verdict == "drift"
    assert report.reason.endswith("said gives it away")


@pytest.mark.parametrize("gone", ["x", "letter", "said", "when"])
def test_a_column_that_lost_all_values_is_found(gone):
    r = np.random.default_rng(1)
    report = check(table(r, 150), table(r, 150).assign(**{gone: np.nan}))
    assert report.verdict == "drift"
    assert report.separation is not None
    assert report.separation.auc == 1.0
    assert report.reason.endswith(f"{gone} gives it away")


def test_names_that_became_few_values_are_found_in_either_direction():
    r = np.random.default_rng(1)
    names, few = table(r, 150), table(r, 150).assign(name=["n1", "n2"] * 75)
    assert check(names, few).reason.endswith("name gives it away")
    assert check(few, names).reason.endswith("name gives it away")


def test_whoever_watches_is_told_how_far_it_is():
    class Watching:
        def __init__(self):
            self.done = {}

        @contextmanager
        def task(self, label, total, unit):
            self.done[unit] = [0, total]
            yield lambda units: self.done[unit].__setitem__(0, self.done[unit][0] + units)

    r = np.random.default_rng(1)
    watching = Watching()
    check(table(r, 150), table(r, 150).assign(x=5.0), progress=watching)
    assert watching.done == {"models": [5, 5], "columns": [6, 6]}


def test_alike_tables_are_not_told_apart_and_the_same_question_has_the_same_answer():
    r = np.random.default_rng(2)
    reference, current = table(r, 200), table(r, 300)
    report = check(reference, current)
    assert (report.verdict, report.holds) == ("ok", True)
    assert report == check(reference, current)


def test_few_rows_are_said_to_be_few():
    r = np.random.default_rng(3)
    report = check(table(r, 200), table(r, 20))
    assert (report.verdict, report.reason) == (
        "too few rows",
        "20 rows in the current data, 50 are needed",
    )


def test_tables_that_cannot_be_looked_at_say_so():
    r = np.random.default_rng(4)
    frame = table(r, 100)[["key"]]
    report = check(frame, frame)
    assert report.verdict == "not comparable"
    assert report.reason == "there is no column that can be looked at with others"
    with pytest.raises(RequestError, match="no column in common"):
        check(frame, frame.rename(columns={"key": "x"}))
    with pytest.raises(RequestError, match="more than one column"):
        check(pd.concat([frame, frame], axis=1), frame)


def test_infinities_and_huge_numbers_do_not_spoil_the_others():
    frame = pd.DataFrame({"x": [1.0, np.inf, -np.inf, np.nan] * 20, "y": [1e308, -1e308] * 40})
    found = encode(frame, frame)
    assert np.isfinite(found.reference).all()
    assert np.isfinite(found.current).all()
    assert sorted(found.columns) == ["x", "y"]


def test_of_many_columns_some_are_looked_at():
    frame = pd.DataFrame(np.random.default_rng(5).normal(size=(60, 401)))
    found = encode(frame, frame)
    assert len(found.columns) == 134
    assert found.left_out["1"] == "one of too many"


def test_values_are_taken_as_what_they_are_however_pandas_keeps_them():
    rows = 60
    texts = pd.Series([f"sentence number {i} of many" for i in range(rows)])
    frame = pd.DataFrame(
        {
            "decimal": pd.Series([Decimal(i) / 4 for i in range(rows)]),
            "nullable": pd.Series([None, 1.5, 2.5] * 20, dtype="Float64"),
            "flag": pd.Series([True, None, False] * 20, dtype=object),
            "level": pd.Series(["a", "b", None] * 20, dtype="category"),
            "said": texts.astype("category"),
            "list": pd.Series([[1], [2]] * 30),
        }
    )
    found = encode(frame, frame)
    assert sorted(found.columns) == sorted(frame.columns)
    assert np.isfinite(found.reference).all()
