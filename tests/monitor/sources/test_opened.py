"""A table is the same in sum, whatever kind of file it is in and whoever reads it."""

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.errors import ExternalError, IntegrityError, MissingObject, RequestError
from mlops_cli.monitor.sources import csv, opened
from mlops_cli.monitor.sources.frame import of_frame
from tests.monitor.sources.conftest import ROWS, mixed


def facts(one):
    """Return all that a distribution says, but for how long its texts are and their words."""
    values = [] if one.kind == "category" else one.values.tolist()
    counts = [] if one.kind == "category" else one.counts.tolist()
    told = one.kind, one.rows, one.nulls, one.infinite, one.others, one.distinct, one.error
    return *told, values, counts, dict(one.categories)


def same(found, expected):
    assert found.names == expected.names
    assert found.rows == expected.rows
    for name in found.names:
        assert facts(found.column(name)) == facts(expected.column(name)), name


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.parquet"])
def test_every_kind_of_file_gives_what_the_data_frame_gives(folder, name):
    same(opened.of_file(folder / name), of_frame(mixed()))


def test_json_lines_are_read_too(folder):
    found = opened.of_file(folder / "t.jsonl")
    assert found.rows == ROWS
    assert facts(found.column("whole")) == facts(of_frame(mixed()).column("whole"))


def test_without_arrow_pandas_reads_the_same(folder, monkeypatch):
    def refuse(*_, **__):
        raise csv.Refused

    expected = opened.of_file(folder / "t.csv")
    monkeypatch.setattr(csv, "summed", refuse)
    same(opened.of_file(folder / "t.csv"), expected)


def test_what_does_not_fit_into_memory_goes_by_the_disk(folder, monkeypatch):
    monkeypatch.setattr("mlops_cli.monitor.sources.sums.BUDGET_BYTES", 100)
    same(opened.of_file(folder / "t.csv", scratch=folder / "tmp"), of_frame(mixed()))
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("reader", ["arrow", "pandas"])
def test_a_column_that_turns_out_to_be_something_else_is_read_again(tmp_path, monkeypatch, reader):
    monkeypatch.setattr(csv, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr("mlops_cli.monitor.sources.blocks._ROWS", 500)
    if reader == "pandas":
        monkeypatch.setattr(csv, "_MOST_TRIES", 0)
    frame = pd.DataFrame({"a": range(2000), "b": range(2000), "c": range(2000)}).astype(object)
    frame.loc[1990, "a"] = 1.5
    frame.loc[1991, "b"] = "none of it"
    frame["c"] = "2026-01-01"
    frame.loc[1992, "c"] = "soon"
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = opened.of_file(tmp_path / "t.csv")
    a, b, c = (found.column(name) for name in "abc")
    assert (a.kind, a.distinct, float(a.values[-1])) == ("number", 2000, 1999.0)
    assert (b.kind, b.distinct, b.names) == ("category", 2000, True)
    assert c.categories == {"2026-01-01": 1999, "soon": 1}


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("", (), 0),
        ("a,b\n", ("a", "b"), 0),
        ("a,b\n1,2\n", ("a", "b"), 1),
        ("a,a\n1,2\n", ("a", "a"), 1),
        ('\ufeffa,b\n"x\ny",2\n', ("a", "b"), 1),
    ],
)
@pytest.mark.parametrize("reader", ["arrow", "pandas"])
def test_odd_text_is_a_table(tmp_path, monkeypatch, reader, text, names, rows):
    if reader == "pandas":
        monkeypatch.setattr(csv, "_MOST_TRIES", 0)
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    found = opened.of_file(tmp_path / "t.csv")
    assert (found.names, found.rows) == (names, rows)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl"])
def test_what_is_no_table_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b'\xff\x00{"\n1,2,3\n\x00\x00"')
    with pytest.raises(RequestError, match=name):
        opened.of_file(tmp_path / name)


def test_a_name_may_be_as_long_as_it_likes(tmp_path):
    (tmp_path / "t.csv").write_text(f"{'x' * 200_000},b\n1,2\n")
    assert opened.of_file(tmp_path / "t.csv").rows == 1


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(RequestError, match="not a table") as refused:
        opened.of_file(tmp_path / "notes.txt")
    assert ".parquet" in refused.value.hint


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_file_that_is_not_there_is_told(tmp_path, name):
    if name == "t.parquet":
        pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    with pytest.raises(ExternalError, match=name):
        opened.of_file(tmp_path / name)


def test_columns_of_parquet_may_have_any_name(tmp_path):
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    frame = pd.DataFrame({"a.b": [1, 2], "a": [3, 4], "": [5, 6], "x": [[1], [2]]})
    frame.to_parquet(tmp_path / "t.parquet")
    found = opened.of_file(tmp_path / "t.parquet")
    assert found.names == ("a.b", "a", "", "x")
    assert [found.column(name).values.tolist() for name in ("a.b", "a", "")] == [
        [1, 2],
        [3, 4],
        [5, 6],
    ]
    assert found.column("x").distinct == 2


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_version_is_read_from_the_store_and_leaves_no_file(folder, mlo_here, project, name):
    repo = open_repository(project)
    oid = repo.objects.put((folder / name).read_bytes())
    found = opened.of_version(repo, [(f"data/{name}", oid)])
    same(found, of_frame(mixed()))
    del found
    assert not list(repo.layout.tmp.glob(".mlo-*"))


def test_a_version_that_cannot_be_had_leaves_no_file(project):
    repo = open_repository(project)
    with pytest.raises((MissingObject, IntegrityError)):
        opened.of_version(repo, [("t.csv", "0" * 64)])
    oid = repo.objects.put(b"PAR1 no PAR1")
    with pytest.raises(RequestError):
        opened.of_version(repo, [("t.parquet", oid)])
    assert not list(repo.layout.tmp.glob(".mlo-*"))


def test_numbers_keep_their_values_whatever_their_type(tmp_path):
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    frame = pd.DataFrame(
        {
            "small": np.array([-128, 127, 0], np.int8),
            "large": np.array([2**63, 1, 1], np.uint64),
            "half": np.array([0.5, np.nan, 1.5], np.float16),
            "single": np.array([0.1, 0.1, 0.2], np.float32),
        }
    )
    frame.drop(columns="half").to_parquet(tmp_path / "t.parquet")
    same(opened.of_file(tmp_path / "t.parquet"), of_frame(frame.drop(columns="half")))
    assert of_frame(frame).column("half").values.tolist() == [0.5, 1.5]
    assert of_frame(frame).column("large").values.tolist() == [1.0, 2.0**63]
