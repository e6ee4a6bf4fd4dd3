"""Tables come in blocks with the values that the whole table has."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_cli.data import table
from mlops_cli.data.table_blocks import blocks
from mlops_cli.errors import ExternalError, RequestError

FRAME = pd.DataFrame({"n": np.arange(50), "t": ["a", "b"] * 25, "x": np.linspace(0, 1, 50)})


@pytest.mark.parametrize(
    "name", ["t.csv", "t.tsv", "t.csv.gz", "t.csv.zst", "t.jsonl", "t.parquet"]
)
def test_blocks_put_together_are_the_table(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
        FRAME.to_parquet(path)
    elif name.endswith("jsonl"):
        FRAME.to_json(path, orient="records", lines=True)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if "tsv" in name else ",")
    found = list(blocks(path, name, rows=20))
    assert [len(one) for one in found] == [20, 20, 10]
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), table.read(path, name))


def test_columns_can_be_left_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("code\n007\n12\n")
    (block,) = blocks(tmp_path / "t.csv", "t.csv", as_text=frozenset({"code"}))
    assert block["code"].tolist() == ["007", "12"]


def test_an_empty_table_is_one_empty_block(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("")
    (block,) = blocks(tmp_path / "t.csv", "t.csv")
    assert block.empty


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", b'a,b\n1,2\n"3'),
        ("t.jsonl", b"{"),
        ("t.parquet", b"PAR1"),
        ("t.csv.gz", gzip.compress(b"a\n1\n", mtime=0)[:-6]),
        ("t.txt", b""),
    ],
)
def test_what_is_no_table_is_one_clear_line(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(RequestError, match=name.replace(".", r"\.")):
        list(blocks(tmp_path / name, name))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ExternalError, match="cannot read"):
        list(blocks(tmp_path / "t.csv", "t.csv"))
