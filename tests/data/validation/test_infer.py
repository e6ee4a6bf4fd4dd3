"""A schema made of a table is one that the table passes, and that is worth editing."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlops_cli.data.validation.check import check
from mlops_cli.data.validation.infer import infer, inferred
from mlops_cli.data.validation.read import read
from mlops_cli.data.validation.schema import ColumnRule
from mlops_cli.data.validation.write import text


def table(rows: int = 200) -> pd.DataFrame:
    """Return a table with a column of each kind, as text."""
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(rows)],
            "age": [str(18 + i % 70) if i % 10 else None for i in range(rows)],
            "score": [f"{i / rows:.3f}" for i in range(rows)],
            "plan": [("free", "no", "10")[i % 3] for i in range(rows)],
            "zip": [f"0{i % 90 + 10}" for i in range(rows)],
            "day": [f"2026-01-{i % 28 + 1:02}" for i in range(rows)],
            "yes": [("true", "false")[i % 2] for i in range(rows)],
            "note: x": [f"word {i % 150}" for i in range(rows)],
            "nothing": [None] * rows,
        }
    ).astype("str")


def of(blocks: list[pd.DataFrame], tmp_path: Path, *, written: bool) -> dict[str, ColumnRule]:
    found = inferred(blocks, where="s.yaml", scratch=tmp_path, written=written)
    again = read(text(found, "t.csv").encode(), where="s.yaml")
    assert again.columns == found.schema.columns, "what is written is what was inferred"
    report = check(blocks, again)
    assert report.failures == ()
    return {one.name: one for one in again.columns}


@pytest.mark.parametrize("blocks", [1, 3])
def test_text_is_inferred_to_be_what_it_reads_as(tmp_path: Path, blocks: int) -> None:
    whole = table()
    size = len(whole) // blocks + 1
    parts = [whole.iloc[at : at + size] for at in range(0, len(whole), size)]
    found = of(parts, tmp_path, written=True)
    kinds = {name: one.type for name, one in found.items()}
    assert kinds == {
        "id": "integer",
        "age": "integer",
        "score": "number",
        "plan": "text",
        "zip": "text",
        "day": "datetime",
        "yes": "boolean",
        "note: x": "text",
        "nothing": "any",
    }
    assert [name for name, one in found.items() if one.unique] == ["id"]
    assert found["plan"].values == ("10", "free", "no")
    assert (found["age"].min, found["age"].max, found["age"].missing) == (0, 160, 0.2)
    assert (found["score"].min, found["score"].max) == (0, 1)
    assert found["note: x"].values is None


def test_a_table_with_types_keeps_them(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"code": [str(i) for i in range(30)], "when": pd.Timestamp("2026-01-01"), "t": 0.5}
    )
    found = of([frame], tmp_path, written=False)
    assert [one.type for one in found.values()] == ["text", "datetime", "number"]


def test_later_blocks_widen_a_type(tmp_path: Path) -> None:
    blocks = [pd.DataFrame({"a": ["1", "2"]}), pd.DataFrame({"a": ["2.5", "x"]})]
    assert of(blocks[:1], tmp_path, written=True)["a"].type == "integer"
    assert of(blocks, tmp_path, written=True)["a"].type == "text"


def test_infinities_have_no_bounds_and_columns_of_some_files_are_not_required(
    tmp_path: Path,
) -> None:
    blocks = [pd.DataFrame({"a": [1.0, float("inf")]}), pd.DataFrame({"a": [2.0], "b": [1.0]})]
    found = of(blocks, tmp_path, written=False)
    assert (found["a"].min, found["a"].max) == (None, None)
    assert (found["a"].required, found["b"].required) == (True, False)


def test_a_data_frame_is_inferred_at_once() -> None:
    frame = pd.DataFrame({"a": range(30), "b": [0.5] * 30})
    schema = infer(frame)
    assert check(frame, schema).holds
    assert not check(frame.assign(a=[*range(29), 0]), schema).holds


def test_a_short_column_is_read_once_for_each_type_that_it_may_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mlops_cli.data.validation import infer as module

    asked: list[str] = []
    real = module.cells

    def counted(raw: Any, kind: Any) -> Any:
        asked.append(kind)
        return real(raw, kind)

    monkeypatch.setattr(module, "cells", counted)
    numbers = pd.DataFrame({"a": [f"{one}.5" for one in range(60)]}).astype("str")
    found = inferred([numbers], where="s.yaml", scratch=tmp_path, written=True)
    assert found.schema.columns[0].type == "number"
    assert sorted(asked) == ["datetime", "integer", "number", "number"]
