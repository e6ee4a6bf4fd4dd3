"""Columns are taken for what their values are, however pandas keeps them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor import kinds
from mlops_cli.monitor.sources.frame import of_series


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


def test_texts_are_told_with_how_often_each_is_there_and_other_values_by_their_text():
    first, second = pd.Series(["a", "b", None, "b", "b"]), pd.Series(["c", "b", 7], dtype=object)
    assert of_series(first).categories == {"b": 3, "a": 1}
    assert of_series(pd.concat([second] * 2)).categories == {"c": 2, "b": 2, "7": 2}


def test_unused_levels_of_a_categorical_are_not_categories():
    levels = pd.CategoricalDtype(["a", "b", "z"])
    assert set(of_series(pd.Series(["a", "b"] * 2, dtype=levels)).categories) == {"a", "b"}
