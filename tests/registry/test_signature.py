import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry import signature
from mlops_cli.registry.signature import Column, Signature

NAMES = st.text(min_size=1, max_size=5)


def test_each_kind_is_recognised_with_its_range_and_gaps():
    frame = pd.DataFrame(
        {
            "whole": [3, 1, 2, 2],
            "real": [0.5, np.nan, np.inf, -1.5],
            "flag": [True, False, True, True],
            "word": ["b", "a", "b", "a"],
            "prose": ["one", "two", "three", None],
            "day": pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-03", "2024-01-03"]),
            "level": pd.Categorical(["low", "high", "low", "low"]),
            "none": [None, None, None, None],
        }
    )
    assert signature.from_frame(frame).columns == (
        Column("whole", "integer", 1, 3),
        Column("real", "number", -1.5, 0.5, nullable=True),
        Column("flag", "boolean"),
        Column("word", "category", categories=("a", "b")),
        Column("prose", "text", nullable=True),
        Column("day", "datetime", "2024-01-01T00:00:00", "2024-01-03T00:00:00"),
        Column("level", "category", categories=("high", "low")),
        Column("none", "text", nullable=True),
    )


def test_many_different_strings_are_text_not_categories():
    names = [f"n{i}" for i in range(500)] * 3
    assert signature.from_frame(pd.DataFrame({"name": names})).columns[0].kind == "text"


def test_the_table_gives_the_columns_the_model_was_fitted_on_in_its_order():
    frame = pd.DataFrame({"y": [1.0, 2, 3], "a": [1.0, 0, 1], "extra": [1, 2, 3], "b": [0.0, 1, 1]})
    model = LinearRegression().fit(frame[["b", "a"]], frame["y"])
    found = signature.for_model(model, frame, target="y")
    assert found is not None
    assert found.names == ("b", "a")
    with pytest.raises(RequestError, match="fitted on 'b'"):
        signature.for_model(model, frame[["a"]])


def test_a_model_fitted_on_an_array_takes_its_names_from_the_table_or_counts():
    x, y = np.array([[1.0, 2], [3, 4], [5, 7]]), np.array([1.0, 2, 3])
    model = LinearRegression().fit(x, y)
    table = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
    assert signature.for_model(model, table, target="y").names == ("a", "b")
    assert signature.for_model(model, x).columns[1] == Column("x1", "number", 2.0, 7.0)
    assert signature.for_model(model, None).columns == (
        Column("x0", "number"),
        Column("x1", "number"),
    )
    with pytest.raises(RequestError, match="takes 2 columns, the table has 3"):
        signature.for_model(model, table)


def test_a_model_that_says_nothing_and_no_table_give_no_signature():
    assert signature.for_model(object(), None) is None


def test_categories_with_commas_or_spaces_are_told_apart_by_quotes():
    assert signature.listed(("Bern", "Biel, BE", " x", "", 3), 9) == "Bern, 'Biel, BE', ' x', '', 3"
    assert signature.listed(("a b", "c", "d"), 1) == "'a b' and 2 more"


def test_two_columns_of_one_name_are_refused():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(RequestError, match="more than one column 'a'"):
        signature.from_frame(frame)


@given(
    st.lists(
        st.builds(
            Column,
            name=NAMES,
            kind=st.sampled_from(["number", "integer", "boolean", "category", "text", "datetime"]),
            minimum=st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
            categories=st.none() | st.lists(st.text() | st.integers()).map(tuple),
            nullable=st.booleans(),
        )
    )
)
def test_a_signature_survives_its_record(columns):
    original = Signature(tuple(columns))
    record = json.loads(json.dumps(original.to_dict()))
    assert signature.from_dict(record) == original


@pytest.mark.parametrize("record", [None, {}, {"columns": [{"name": "a"}]}, {"columns": 3}])
def test_a_damaged_record_is_an_integrity_error(record):
    with pytest.raises(IntegrityError, match="signature in"):
        signature.from_dict(record)
