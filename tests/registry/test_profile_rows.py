"""Of a profile rows can be made that are distributed as the table was."""

import numpy as np
import pandas as pd
import pytest

from mlops_cli.registry import profile, profile_rows, signature


def again(frame: pd.DataFrame) -> pd.DataFrame:
    return profile_rows.rows(profile.of_table(lambda _: [frame]))


def test_counted_values_come_as_often_as_they_were_there() -> None:
    frame = pd.DataFrame(
        {"n": [3, 1, 3, None], "c": ["x", "y", "x", "x"], "b": [True, False, None, True]}
    )
    found = again(frame.astype({"b": object}))
    assert len(found) == 4
    for name in frame.columns:
        assert found[name].isna().sum() == frame[name].isna().sum()
        was, now = frame[name].dropna().tolist(), found[name].dropna().tolist()
        assert sorted(was) == sorted(now)


def test_many_numbers_are_off_by_the_spacing_of_the_quantiles() -> None:
    values = np.random.default_rng(1).normal(size=20_000)
    found = np.sort(again(pd.DataFrame({"n": values}))["n"].to_numpy())
    at = np.searchsorted(np.sort(values), found) / 20_000
    assert np.abs(at - np.arange(20_000) / 20_000).max() < 0.005


def test_moments_are_moments_again_and_names_are_made_up() -> None:
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2026-01-01", periods=10),
            "name": [f"person {number}" for number in range(10)],
        }
    )
    found = again(frame)
    assert found["day"].tolist() == frame["day"].tolist()
    assert found["name"].nunique() == 10
    assert not found["name"].str.contains("person").any()


@pytest.mark.parametrize("frame", [pd.DataFrame({"n": []}), pd.DataFrame({"n": [None, None]})])
def test_nothing_stays_nothing(frame: pd.DataFrame) -> None:
    assert again(frame).isna().all().all()
    assert len(again(frame)) == len(frame)


def test_a_table_in_memory_is_looked_at_in_blocks() -> None:
    frame = pd.DataFrame({"n": np.arange(150_000.0), "y": 1})
    columns = signature.from_frame(frame, leave_out=("y",))
    found = profile.of_data(frame, columns, target="y")
    assert found is not None
    assert (found.rows, [one.name for one in found.columns]) == (150_000, ["n"])
    assert found.columns[0].mean == pytest.approx(frame["n"].mean())
