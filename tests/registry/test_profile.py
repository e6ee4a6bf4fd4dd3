"""A profile stands in for the training table: what drift needs, without it."""

import numpy as np
import pandas as pd
import pytest

from mlops_cli.errors import IntegrityError, StateError
from mlops_cli.registry import profile
from mlops_cli.registry.profile import Profile


def of(frame: pd.DataFrame, rows: int = 10**9) -> Profile:
    starts = range(0, max(1, len(frame)), rows)

    def read(as_text: frozenset[str]) -> list[pd.DataFrame]:
        told = frame.astype(dict.fromkeys(as_text, str)) if as_text else frame
        return [told.iloc[start : start + rows].infer_objects() for start in starts]

    return profile.of_table(read)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = 3000
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": rng.lognormal(3, 1, rows),
            "city": rng.choice(["Bern", "Zürich"], rows),
            "member": rng.random(rows) > 0.3,
            "since": pd.to_datetime("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
            "email": [f"{number}@example.org" for number in range(rows)],
            "gone": [None] * rows,
        }
    ).assign(income=lambda one: one["income"].where(one.index % 10 != 3))


def test_every_kind_of_column_is_told_as_pandas_counts_it(table: pd.DataFrame) -> None:
    found = of(table, rows=700)
    assert found.rows == 3000
    age, income, city, member, since, email, gone = found.columns
    assert (age.kind, age.nulls, age.distinct, age.minimum) == ("number", 0, 62, 18)
    assert dict(age.values or ()) == table["age"].value_counts().to_dict()
    assert (income.count, income.nulls, income.exact) == (2700, 300, False)
    assert income.mean == pytest.approx(table["income"].mean())
    assert income.std == pytest.approx(table["income"].std(ddof=0))
    assert income.distinct == pytest.approx(2700, rel=0.05)
    assert dict(city.values or ()) == table["city"].value_counts().to_dict()
    assert (member.kind, member.mean) == ("boolean", pytest.approx(table["member"].mean()))
    assert since.kind == "datetime"
    assert since.maximum == table["since"].max().timestamp()
    assert (email.kind, email.distinct, email.values) == ("category", 3000, None)
    assert (gone.kind, gone.nulls) == ("empty", 3000)


def test_the_distribution_of_a_column_can_be_had_from_its_profile(table: pd.DataFrame) -> None:
    found = of(table, rows=700)
    for name in ("age", "income"):
        column = found.column(name)
        assert column is not None
        values, weights = column.weighted()
        real = table[name].dropna().to_numpy()
        shares = np.cumsum(weights) / weights.sum()
        apart = np.abs((np.sort(real)[:, None] <= values).mean(axis=0) - shares)
        assert weights.sum() == pytest.approx(len(real))
        assert apart.max() < 0.004


def test_blocks_of_any_size_give_the_same_counts(table: pd.DataFrame) -> None:
    whole, small = of(table), of(table, rows=97)
    for one, other in zip(whole.columns, small.columns, strict=True):
        assert one.values == other.values
        assert (one.count, one.nulls, one.minimum) == (other.count, other.nulls, other.minimum)


def test_a_column_that_turns_out_to_be_text_is_read_again_as_text() -> None:
    frame = pd.DataFrame({"code": [1, 2, 2, "A7", 2, "A7"]}, dtype=object)
    column = of(frame, rows=3).column("code")
    assert column is not None
    assert column.kind == "category"
    assert dict(column.values or ()) == {"1": 1, "2": 3, "A7": 2}


def test_infinities_are_counted_apart() -> None:
    column = of(pd.DataFrame({"x": [1.0, np.inf, -np.inf, 3.0, np.nan]})).column("x")
    assert column is not None
    assert (column.count, column.infinite, column.nulls, column.mean) == (4, 2, 1, 2.0)


def test_it_is_small_however_many_columns_there_are() -> None:
    rng = np.random.default_rng(1)
    wide = pd.DataFrame(rng.normal(size=(600, 1000)), columns=[f"c{i}" for i in range(1000)])
    assert len(profile.encode(of(wide))) < 4_000_000


def test_what_is_kept_reads_back_the_same(table: pd.DataFrame) -> None:
    found = of(table)
    data = profile.encode(found)
    assert profile.decode(data) == found
    assert profile.encode(of(table)) == data


@pytest.mark.parametrize("data", [b"[]", b'{"v":1}', b'{"v":1,"rows":1,"columns":[{"name":"a"}]}'])
def test_damage_is_told(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="profile"):
        profile.decode(data)


def test_a_newer_form_is_told() -> None:
    with pytest.raises(StateError, match="unknown here"):
        profile.decode(b'{"v":2,"rows":0,"columns":[]}')
