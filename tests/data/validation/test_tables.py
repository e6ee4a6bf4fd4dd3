"""Tables in files: where each row is, and what cannot be read."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from mlops_cli.data.validation.read import read
from mlops_cli.data.validation.scan import Plan, scan, with_lines
from mlops_cli.data.validation.schema import Schema
from mlops_cli.data.validation.tables import Tables, count
from mlops_cli.errors import RequestError

SAID = b"columns: {id: {type: integer, unique: true}, note: text}\nextra: error\n"


def lines(path: Path, said: bytes = SAID) -> list[tuple[str, int | None, str | None]]:
    """Return check, line and file of each row that fails."""
    plan = Plan(read(said, where="s.yaml"))
    tables = Tables(path, path.name, plan.as_text)
    found = scan(plan, tables, scratch=path.parent, examples=5)
    assert found.broken is None
    found = with_lines(found, tables.lines)
    checks = [*(check.kind for _, check in plan.cells), *["unique"] * len(plan.unique)]
    return [
        (kind, one.line, one.file)
        for kind, tally in zip(checks, found.tallies, strict=False)
        for one in tally.examples
    ]


def broken(path: Path) -> str | None:
    plan = Plan(read(SAID, where="s.yaml"))
    return scan(plan, Tables(path, path.name), scratch=path.parent, examples=5).broken


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv"])
def test_lines_are_told_also_past_quotes_and_blank_lines(tmp_path: Path, name: str) -> None:
    text = 'id,note\n1,a\nx,"two\nlines"\n\n2,b\n1,c\ny,d\n'
    data = (text.replace(",", "\t") if name == "t.tsv" else text).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert lines(tmp_path / name) == [
        ("type", 3, None),
        ("type", 8, None),
        ("unique", 7, None),
    ]


def test_plain_lines_are_counted_over_blocks(tmp_path: Path) -> None:
    rows = [f"{i},n" for i in range(120_000)]
    rows[99_999] = "7,n"
    (tmp_path / "t.csv").write_text("id,note\r\n" + "\r\n".join(rows))
    assert lines(tmp_path / "t.csv") == [("unique", 100_001, None)]


def test_json_lines_keep_their_types(tmp_path: Path) -> None:
    rows = ['{"id": 1, "note": "007"}', "", '{"id": "2", "note": 7}', '{"id": 1}']
    (tmp_path / "t.jsonl").write_text("\n".join(rows))
    assert lines(tmp_path / "t.jsonl") == [("type", 3, None), ("unique", 4, None)]


def test_parquet_has_rows_but_no_lines(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    frame = pd.DataFrame({"id": [1, 2, 2], "note": ["a", None, "c"]})
    frame.to_parquet(tmp_path / "t.parquet")
    assert lines(tmp_path / "t.parquet") == [("unique", None, None)]
    assert count(Tables(tmp_path / "t.parquet", "t.parquet")) == 3


def test_a_folder_is_one_table_and_names_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "visits"
    (folder / "b").mkdir(parents=True)
    (folder / "a.csv").write_text("id,note\n1,x\n")
    (folder / "b" / "c.csv").write_text("id,note\n2,x\n1,y\n")
    (folder / "README.md").write_text("not a table")
    assert lines(folder) == [("unique", 3, "b/c.csv")]
    assert count(Tables(folder, "visits")) == 3


def test_columns_of_single_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,note\n1,x\n")
    (tmp_path / "b.csv").write_text("id,notes,id\n2,x,3\n")
    plan = Plan(read(SAID, where="s.yaml"))
    found = scan(plan, Tables(tmp_path, "t"), scratch=tmp_path, examples=5)
    assert dict(found.absent) == {"note": ("b.csv",)}
    assert dict(found.extra) == {"notes": ("b.csv",)}
    assert dict(found.twice) == {"id": ("b.csv",)}


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("t.csv", b"id,note\n1,a\n1,2,3,4\n", "cannot be read as a table"),
        ("t.csv", b"id,note\n1,a,b\n2,a,b\n", "line 2 has 3 cells, the header has 2"),
        ("t.csv", b"id,note\n1,\xff\xfe\n", "cannot be read as a table"),
        ("t.csv.gz", b"no gzip", "cannot be read as a table"),
        ("t.jsonl", b'{"id": 1}\n[2]\n', "line 2 is no JSON object"),
        ("t.jsonl", b'{"id": 1}\n{"id"\n', "line 2 is no JSON"),
        ("t.parquet", b"PAR1", "cannot be read as a table"),
    ],
)
def test_what_cannot_be_read_is_a_failure(
    tmp_path: Path, name: str, data: bytes, told: str
) -> None:
    if name == "t.parquet":
        pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    (tmp_path / name).write_bytes(data)
    assert told in str(broken(tmp_path / name))


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    for path, told in ((tmp_path / "a.txt", "is not a table"), (tmp_path, "there is no table")):
        with pytest.raises(RequestError, match=told):
            list(Tables(path, path.name).files())


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("")
    plan = Plan(read(SAID, where="s.yaml"))
    found = scan(plan, Tables(tmp_path / "t.csv", "t.csv"), scratch=tmp_path, examples=5)
    assert (found.rows, set(found.absent)) == (0, {"id", "note"})


def test_the_id_of_a_schema_is_of_what_it_says() -> None:
    assert Schema("a").id == Schema("b").id
    assert len(json.dumps(Schema("a").id)) == 66


def test_text_stays_as_it_is_written_also_where_it_looks_like_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_cli.data.validation import tables

    monkeypatch.setattr(tables, "ROWS", 2)
    cells = ["x", "y", "007", "08", "true", "", "", "", "1.0", "z"]
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{one},0{one}\n" for one in cells))
    found = Tables(tmp_path / "t.csv", "t.csv", frozenset({"a", "b"}))
    blocks = [(block.first, *block.frame["a"].fillna("").tolist()) for block in found]
    assert blocks == [
        (1, "x", "y"),
        (3, "007", "08"),
        (5, "true", ""),
        (7, "", ""),
        (9, "1.0", "z"),
    ]
    assert [str(one) for block in found for one in block.frame["b"]] == [f"0{one}" for one in cells]
