"""A ColumnTransformer that is asked part by part says the same bits as one that is asked whole."""

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mlops_cli.registry.native.columns import transforming
from tests.registry.compiled.conftest import Tables, columns_of, predictor, tables
from tests.registry.native.test_answering import same_bits

__all__ = ["tables"]


def names(tables: Tables, *, numbers: bool) -> list[str]:
    """Return the columns of the mixed table that are floats, or those that are not."""
    kinds = tables.mixed.dtypes
    return [name for name in tables.mixed if (kinds[name] == np.float64) is numbers]


def fitted(tables: Tables, parts: list[Any], **options: Any) -> Any:
    transformer = ColumnTransformer(parts, **options)
    model = make_pipeline(transformer, LogisticRegression())
    return predictor(model.fit(tables.mixed, tables.words()), tables.mixed)


def prepared() -> Any:
    return make_pipeline(SimpleImputer(), StandardScaler())


@pytest.mark.parametrize("numbers", [prepared(), SimpleImputer(), FunctionTransformer(np.abs)])
@pytest.mark.parametrize(
    ("words", "options"),
    [
        (OneHotEncoder(handle_unknown="ignore"), {}),
        (OneHotEncoder(handle_unknown="ignore"), {"sparse_threshold": 1.0}),
        ("drop", {"sparse_threshold": 0}),
    ],
)
def test_parts_say_what_the_whole_says(
    tables: Tables, numbers: Any, words: Any, options: dict[str, Any]
) -> None:
    if isinstance(numbers, FunctionTransformer):  # which leaves gaps
        numbers = make_pipeline(SimpleImputer(), numbers)
    parts = [
        ("words", words, names(tables, numbers=False)),
        ("numbers", numbers, names(tables, numbers=True)),
    ]
    found = fitted(tables, parts, **options)
    assert transforming(found.model.steps[0][1], found.signature) is not None
    same_bits(found, [values[:60] for values in columns_of(tables.mixed)])


def test_what_is_left_over_passes_through(tables: Tables) -> None:
    encoder = OneHotEncoder(handle_unknown="ignore")
    few = names(tables, numbers=True)[:1]
    parts = [("words", encoder, names(tables, numbers=False)), ("few", prepared(), few)]
    found = fitted(tables, parts, remainder=SimpleImputer())
    same_bits(found, [values[:60] for values in columns_of(tables.mixed)])


def test_a_part_that_is_given_more_than_an_array_is_asked_by_the_whole(tables: Tables) -> None:
    parts = [
        ("words", OneHotEncoder(handle_unknown="ignore"), names(tables, numbers=False)),
        ("numbers", prepared(), names(tables, numbers=True)),
    ]
    weighed = fitted(tables, parts, transformer_weights={"numbers": 2.0})
    assert transforming(weighed.model.steps[0][1], weighed.signature) is None
    same_bits(weighed, [values[:60] for values in columns_of(tables.mixed)])
