"""Columns are taken for what their values are, however pandas keeps them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor import kinds


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pd.Series([1, 2]), "number"),
        (pd.Series([1, None], dtype="Int64"), "number"),
        (pd.Series([1, 2.5, None], dtype=object), "number"),
        (pd.Series([Decimal(1), Decimal(2)]), "number"),
        (pd.Series([True, False]), "boolean"),
        (pd.Series([True, None], dtype=object), "boolean"),
        (pd.Series(["a", None]), "category"),
        (pd.Series(["a", 1]), "category"),
        (pd.Series([[1], [2]]), "category"),
        (pd.Series([1, 2], dtype="category"), "category"),
        (pd.Series(pd.date_range("2026", periods=2, tz="UTC")), "datetime"),
        (pd.Series([np.nan, None]), "empty"),
        (pd.Series([], dtype=float), "empty"),
        (pd.Series([pd.NA], dtype="boolean"), "empty"),
        (pd.Series([1j, 2j]), "category"),
    ],
)
def test_kind(values, kind):
    assert kinds.kind_of(values) == kind


def test_numbers_come_sorted_without_the_missing_ones():
    assert kinds.numbers(pd.Series([3, None, True], dtype=object)).tolist() == [1.0, 3.0]


def test_counts_pair_values_by_their_text_commonest_first():
    first, second = pd.Series(["a", "b", None, "b"]), pd.Series(["c", "b", 7], dtype=object)
    names, one, two = kinds.counts(first, second)
    assert names == ["b", "7", "a", "c"]
    assert one.tolist() == [2, 0, 1, 0]
    assert two.tolist() == [1, 1, 0, 1]


def test_unused_levels_of_a_categorical_are_not_categories():
    first = pd.Series(["a", "b"], dtype=pd.CategoricalDtype(["a", "b", "z"]))
    assert kinds.counts(first, first)[0] == ["a", "b"]
