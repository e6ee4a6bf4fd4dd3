"""Every row is in one group, and its name says which."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.registry.evaluation.slices import MOST, of_column


def test_values_are_groups_and_what_is_missing_is_one() -> None:
    found = of_column("region", pd.Series(["west", None, "east", "west"]))
    assert found.names == ("east", "west", "(missing)")
    assert found.codes.tolist() == [1, 2, 0, 1]


def test_numbers_with_many_values_are_cut_at_their_quartiles() -> None:
    found = of_column("age", pd.Series(range(100)))
    assert found.names == (". <= 24", "24 < . <= 49", "49 < . <= 74", ". > 74")
    assert np.bincount(found.codes).tolist() == [25, 25, 25, 25]


def test_whole_numbers_beside_missing_ones_are_called_as_they_are_written() -> None:
    assert of_column("n", pd.Series([1.0, 2.0, None])).names == ("1", "2", "(missing)")


def test_rare_values_are_one_group() -> None:
    found = of_column("name", pd.Series([f"n{i:03}" for i in range(50)] + ["n000"] * 9))
    assert len(found.names) == MOST + 1
    assert found.names[-1] == "(other)"


@given(
    st.one_of(
        st.lists(st.one_of(st.none(), st.text(max_size=3), st.booleans()), min_size=1, max_size=60),
        st.lists(st.one_of(st.none(), st.integers(-9, 99)), min_size=1, max_size=80),
        st.lists(st.one_of(st.just(1.5), st.floats(allow_nan=True, width=16)), max_size=80),
    )
)
def test_every_row_is_in_one_group(values: list[object]) -> None:
    found = of_column("x", pd.Series(values, dtype=None if values else float))
    assert len(found.codes) == len(values)
    assert all(0 <= code < len(found.names) for code in found.codes)
    assert len(set(found.names)) == len(found.names)
