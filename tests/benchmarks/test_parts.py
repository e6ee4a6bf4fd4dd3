"""Every part of the storage benchmark, on next to nothing; no time is looked at."""

from pathlib import Path

import pytest

from benchmarks.measure import Row
from benchmarks.storage import edits, large, many, million
from benchmarks.storage.bench import Bench, Scale
from benchmarks.storage.place import Place

TINY = Scale(large_bytes=1000, folders=2, files=3, changed=2, table_rows=1000, times_more=2)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(Place(tmp_path, "a folder"), {"mlo": "1", "borg": None}, times=1, scale=TINY)


def named(rows: list[Row], words: str) -> Row:
    return next(row for row in rows if words in row.what)


def test_many_small_files(bench: Bench) -> None:
    rows = many.rows(bench)
    assert named(rows, "add 6 files of 4 KiB").against == "borg (not installed)"
    opened = named(rows, "files that it opens")
    assert opened.theirs in (TINY.changed, None)
    assert opened.holds
    assert list(bench.place.folder.iterdir()) == []


def test_one_large_file(bench: Bench) -> None:
    rows = large.rows(bench)
    assert {row.against for row in rows} >= {"cp", "fsync of a copy", "200 MiB"}
    assert list(bench.place.folder.iterdir()) == []


def test_edits_of_a_table(bench: Bench) -> None:
    rows = edits.rows(bench)
    assert named(rows, "bytes that it takes").holds
    assert named(rows, "growth of the remote").ours > 0
    assert list(bench.place.folder.iterdir()) == []


def test_files_and_twice_as_many(bench: Bench) -> None:
    assert named(million.rows(bench), "add 12 files").against == "2 x that of 6"
    assert list(bench.place.folder.iterdir()) == []
