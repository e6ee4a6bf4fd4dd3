"""Values of a request become columns of the types that the model was fitted on."""

import numpy as np
import pandas

from mlops_cli.registry import signature
from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.signature import Column, Signature


def test_a_frame_has_the_types_of_its_training_table() -> None:
    training = pandas.DataFrame(
        {
            "size": [1.5, np.nan, 3.0, 2.0],
            "count": [1, 2, 3, 4],
            "ripe": [True, False, True, True],
            "soil": ["clay", "loam", "clay", "loam"],
            "picked": pandas.to_datetime(["2024-01-01", "2024-01-02", None, "2024-01-03"]),
            "seen": pandas.to_datetime(["2024-01-01"] * 4, utc=True),
        }
    )
    build = compile_frame(signature.from_frame(training))
    frame = build(
        [
            (2, None),
            (1, 2),
            (True, False),
            ("clay", "loam"),
            ("2024-05-01T10:00:00", None),
            ("2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00"),
        ]
    )
    assert list(frame.columns) == list(training.columns)
    assert [frame[name].dtype.kind for name in ("size", "count", "ripe")] == ["f", "i", "b"]
    assert frame["size"].isna().tolist() == [False, True]
    assert frame["soil"].tolist() == ["clay", "loam"]
    assert frame["picked"].tolist() == [pandas.Timestamp("2024-05-01T10:00:00"), pandas.NaT]
    assert frame["seen"].tolist() == [pandas.Timestamp("2024-05-01T10:00:00Z")] * 2


def test_numbers_alone_make_one_block() -> None:
    build = compile_frame(Signature((Column("a", "number"), Column("b", "number", nullable=True))))
    frame = build([(1, 2.5), (None, 4)])
    assert frame["a"].tolist() == [1.0, 2.5]
    assert frame["b"].isna().tolist() == [True, False]
    assert set(frame.dtypes) == {np.dtype("float64")}


def test_gaps_in_whole_numbers_and_booleans_are_kept() -> None:
    columns = (
        Column("count", "integer", nullable=True),
        Column("ripe", "boolean", nullable=True),
        Column("grade", "category", categories=(1, 2), nullable=False),
    )
    frame = compile_frame(Signature(columns))([(1, None), (True, None), (2, 1)])
    assert frame["count"].isna().tolist() == [False, True]
    assert frame["ripe"].isna().tolist() == [False, True]
    assert frame["grade"].dtype.kind == "i"
    whole = compile_frame(Signature(columns))([(1, 2), (True, False), (2, 1)])
    assert whole["count"].dtype.kind == "i"
