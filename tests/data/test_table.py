"""Tables are read by kind, and compared by rows, columns and what they say in sum."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import zstandard

from mlops_cli.data import table
from mlops_cli.data.table_blocks import blocks
from mlops_cli.errors import RequestError
from mlops_cli.monitor.sources import opened


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"x,y\n1,a\n2,b\n"),
        ("a.CSV", b"x,y\n1,a\n2,b\n"),
        ("a.tsv", b"x\ty\n1\ta\n2\tb\n"),
        ("a.jsonl", b'{"x": 1, "y": "a"}\n{"x": 2, "y": "b"}\n'),
        ("a.csv.gz", gzip.compress(b"x,y\n1,a\n2,b\n", mtime=0)),
    ],
)
def test_each_kind_gives_the_same_table(name: str, data: bytes, tmp_path: Path) -> None:
    expected = {"x": [1, 2], "y": ["a", "b"]}
    assert table.read(data, name).to_dict("list") == expected
    (tmp_path / name).write_bytes(data)
    assert table.read(tmp_path / name, name).to_dict("list") == expected


def test_parquet_is_read_where_pyarrow_is() -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"x": [1, 2]})
    assert table.read(frame.to_parquet(), "a.parquet").equals(frame)


def test_without_pyarrow_parquet_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RequestError, match="needs pyarrow") as caught:
        table.read(b"PAR1", "a.parquet")
    assert caught.value.hint == "pip install 'mlo[parquet]'"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"x", "not a table"),
        ("a.csv", b'x,y\n"1,2\n', "cannot be read as a table"),
        ("a.csv", b"\xff\xfe\x00", "cannot be read as a table"),
        ("a.jsonl", b"{", "cannot be read as a table"),
        ("a.csv.gz", b"not gzip", "cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_refused(name: str, data: bytes, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        table.read(data, name)
    assert "\n" not in caught.value.message


def test_names_of_digits_stay_names(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"0": 1, "a": 2}\n')
    (block,) = blocks(tmp_path / "t.jsonl", "t.jsonl")
    for found in (block, table.read(tmp_path / "t.jsonl", "t.jsonl")):
        assert found.columns.tolist() == ["0", "a"]


SEMICOLONS = "it looks separated by ';', not by commas"
WIDER = "line 3 has 3 cells, those before it have 2"
FIRST = "line 2 has 3 cells, the header has 2"
LONG = b"x" * 200_000


@pytest.mark.parametrize(
    ("data", "says", "hint"),
    [
        (b"a,b\n1,2\n1,2,3\n", WIDER, None),
        (b"a,b\n1,2,3\n1,2\n", FIRST, None),
        (b"a,b\n1,2,3\n4,5,6\n", FIRST, None),
        (b"a,b\n  \n\n1,2,3\n", "line 4 has 3 cells, the header has 2", None),
        (b"a,b\n1," + LONG + b",3\n", FIRST, None),
        (b"a;b\n1,5;2\n1,2;3,1\n", SEMICOLONS, "write it with commas"),
        (b"a;b\n1;2\n3;4\n", SEMICOLONS, "write it with commas"),
        (b"a\tb\n1,5\t2\n1,2\t3,1\n", "it looks separated by tabs, not by commas", "call it .tsv"),
        (b'a,b\n1,2\n"3', "a quote that opens in line 3 is never closed", None),
        ("a,b\n1,2\n".encode("utf-16"), "it is UTF-16, not UTF-8", "iconv -f utf-16 -t utf-8"),
        ("a,b\né,2\n".encode("latin-1"), "it is not UTF-8, by its byte 0xe9", "iconv -f latin1"),
    ],
    ids=[
        "wider",
        "first",
        "all",
        "blank",
        "long",
        "decimal-commas",
        "semicolons",
        "tabs",
        "quote",
        "utf-16",
        "latin-1",
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words_of_tables(
    data: bytes, says: str, hint: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    for read in (
        lambda: table.read(data, "t.csv"),
        lambda: list(blocks(path, "t.csv")),
        lambda: opened.of_file(path, "t.csv"),
    ):
        with pytest.raises(RequestError) as caught:
            read()
        assert caught.value.message == f"'t.csv' cannot be read as a table: {says}"
        assert (caught.value.hint is None) if hint is None else (hint in str(caught.value.hint))


@pytest.mark.parametrize(
    ("ending", "packed"),
    [
        (".bz2", bz2.compress),
        (".gz", gzip.compress),
        (".xz", lzma.compress),
        (".zst", zstandard.compress),
    ],
    ids=["bz2", "gz", "xz", "zst"],
)
@pytest.mark.parametrize(
    "harm", [lambda data: data[:-20], lambda data: b"x" + data], ids=["cut", "damaged"]
)
def test_a_file_cut_off_or_damaged_is_refused_however_it_is_packed(
    ending: str, packed: Callable[[bytes], bytes], harm: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    text = b"a\n" + b"".join(b"%d\n" % number**3 for number in range(9_000))
    path = tmp_path / f"t.csv{ending}"
    path.write_bytes(packed(text))
    assert len(table.read(path, path.name)) == 9_000
    path.write_bytes(harm(packed(text)))
    for read in (lambda: table.read(path, path.name), lambda: list(blocks(path, path.name))):
        with pytest.raises(RequestError, match="cannot be read as a table"):
            read()


def test_an_empty_file_is_a_table_without_columns() -> None:
    assert table.read(b"", "a.csv").shape == (0, 0)
