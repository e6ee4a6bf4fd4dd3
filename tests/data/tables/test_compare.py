"""Two versions of a table differ in what a plain comparison of all their rows finds."""

import bz2
import csv
import gzip
import lzma
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.data.tables.change import Key, KeyUnknown, Retyped, RowExample, TableChange
from mlops_cli.data.tables.compare import Desk, Wish, compare
from mlops_cli.data.tables.opened import open_table
from mlops_cli.data.tables.rows import Limits
from mlops_cli.data.tables.source import Present
from mlops_cli.errors import RequestError

TINY = Limits(memory_bytes=2_000, part_bytes=300)
"""So that a few rows are much."""

Rows = Sequence[Sequence[str]]
_CELL = st.sampled_from(["", "a", "b", "1", "1.0", 'q"', "x,y", "two\nlines", "ü", "\x1f", "\x1b"])
_TABLES = st.lists(st.tuples(st.sampled_from(["k1", "k2", "k3", "k 4"]), _CELL, _CELL), max_size=12)


def differ(
    folder: Path,
    old: bytes,
    new: bytes,
    name: str = "table.csv",
    *,
    wish: Wish | None = None,
    limits: Limits | None = None,
) -> TableChange:
    (folder / "old").write_bytes(old)
    (folder / "new").write_bytes(new)
    versions = [
        open_table(Present(folder / which), name, scratch=folder / "tmp")
        for which in ("old", "new")
    ]
    return compare(*versions, wish or Wish(), Desk(folder / "tmp", limits=limits or Limits()))


def written(rows: Rows, header: Sequence[str] = ("k", "a", "b")) -> bytes:
    out = StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode()


def counts(found: TableChange) -> tuple[int, int, int | None]:
    return found.rows_added, found.rows_removed, found.rows_changed


def plain(old: Rows, new: Rows, *, keyed: bool) -> tuple[int, int, int | None]:
    """Compare the plain way."""
    before, after = Counter(map(tuple, old)), Counter(map(tuple, new))
    gone, come = before - after, after - before
    if not keyed:
        return come.total(), gone.total(), None
    lost = Counter(row[0] for row in gone.elements())
    got = Counter(row[0] for row in come.elements())
    changed = sum(lost[key] == got[key] == 1 for key in lost)
    return come.total() - changed, gone.total() - changed, changed


@pytest.mark.parametrize("keyed", [True, False])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(old=_TABLES, new=_TABLES, tiny=st.booleans())
def test_rows_are_those_a_plain_comparison_finds(
    tmp_path: Path, keyed: bool, old: Rows, new: Rows, tiny: bool
) -> None:
    wish = Wish(("k",) if keyed else None, "option", statistics=False)
    if not keyed:  # no column can be the key
        old, new = [*old, *[("k1", "a", "a")] * 2], [*new, *[("k1", "a", "a")] * 2]
    found = differ(
        tmp_path, written(old), written(new), wish=wish, limits=TINY if tiny else Limits()
    )
    assert counts(found) == plain(old, new, keyed=keyed)
    assert (found.rows_before, found.rows_after) == (len(old), len(new))


def numbered(count: int, *, seed: int = 0) -> list[list[str]]:
    rng = random.Random(seed)
    return [[str(i), f"{rng.random():.6f}", rng.choice(["x", "y, z", "w"])] for i in range(count)]


def edited(rows: list[list[str]], *, seed: int = 1) -> list[list[str]]:
    rng = random.Random(seed)
    kept = [list(row) for row in rows if rng.random() > 0.001]
    for row in rng.sample(kept, 7):
        row[1] = "0.5"
    return kept[:5000] + [[f"new{i}", "1", "n"] for i in range(20)] + kept[5000:]


@pytest.mark.parametrize("tiny", [False, True])
@pytest.mark.parametrize("statistics", [False, True])
def test_what_versions_share_is_found_whatever_stands_before_it(
    tmp_path: Path, tiny: bool, statistics: bool
) -> None:
    old = numbered(20_000)
    new = edited(old)
    wish = Wish(("k",), "option", statistics=statistics)
    limits = Limits(200_000, 20_000) if tiny else Limits()
    found = differ(tmp_path, written(old), written(new), wish=wish, limits=limits)
    assert counts(found) == plain(old, new, keyed=True)
    shuffled = random.Random(2).sample(new, len(new))
    again = differ(tmp_path, written(old), written(shuffled), wish=wish, limits=limits)
    assert counts(again) == counts(found)
    assert again.examples == found.examples


def test_a_column_more_in_front_leaves_rows_comparable(tmp_path: Path) -> None:
    old = numbered(5_000)
    new = [["z", *row] for row in edited(old)]
    found = differ(tmp_path, written(old), written(new, ("z", "k", "a", "b")))
    assert counts(found) == plain(old, [row[1:] for row in new], keyed=True)
    assert found.columns_added == ("z",)
    assert found.key == Key(("k",), "inferred", 0, 0, 0, 0)


def test_rows_that_changed_are_shown_by_their_key(tmp_path: Path) -> None:
    found = differ(tmp_path, b"id,a,b\n1,x,2\n2,y,3\n3,q,\n", b"id,a,b\n1,x,2\n2,w,3\n10,q,\n")
    changed, added, removed = found.examples
    assert changed.key == {"id": "2"}
    assert [(one.column, one.before, one.after) for one in changed.cells] == [("a", "y", "w")]
    assert added == RowExample("added", {"id": "10"}, (), {"id": "10", "a": "q", "b": ""})
    assert (removed.state, removed.key) == ("removed", {"id": "3"})


def test_only_so_many_rows_are_shown_those_with_the_smallest_keys(tmp_path: Path) -> None:
    old = written([[str(i), "a", "b"] for i in range(30)])
    found = differ(tmp_path, old, written([]), wish=Wish(("k",), "option", examples=3))
    assert [one.key["k"] for one in found.examples] == ["0", "1", "2"]
    assert (
        differ(tmp_path, old, written([]), wish=Wish(("k",), "option", examples=0)).examples == ()
    )


def test_keys_that_are_there_twice_are_told_and_never_paired_by_chance(tmp_path: Path) -> None:
    old = b"k,v\n1,a\n1,b\n2,c\n"
    new = b"k,v\n1,x\n1,y\n2,d\n,e\n"
    found = differ(tmp_path, old, new, wish=Wish(("k",), "option"))
    assert counts(found) == (3, 2, 1)
    assert found.key == Key(("k",), "option", 1, 1, 0, 1)


def test_a_key_that_all_rows_share_is_settled_in_little_memory(tmp_path: Path) -> None:
    old = [["one", str(i), "x"] for i in range(500)]
    new = [["one", str(i), "x"] for i in range(3, 503)]
    found = differ(tmp_path, written(old), written(new), wish=Wish(("k",), "option"), limits=TINY)
    assert counts(found) == (3, 3, 0)
    assert found.key is not None
    assert found.key.repeated_before == 1


def test_the_key_is_the_first_column_that_is_unique_in_both(tmp_path: Path) -> None:
    old = b"a,b,c\n1,1,5\n1,2,6\n"
    assert differ(tmp_path, old, b"a,b,c\n1,1,7\n2,2,6\n").key == Key(
        ("b",), "inferred", 0, 0, 0, 0
    )
    found = differ(tmp_path, old, b"a,b,c\n1,1,7\n2,1,\n")
    assert found.key is None
    assert counts(found) == (2, 2, None)


def test_a_column_that_repeats_late_is_not_the_key(tmp_path: Path) -> None:
    rows = [[f"a{i}", f"b{i}" + "-" * 60, "c"] for i in range(20_000)]
    twice = [*rows[:-1], [rows[0][0], rows[-1][1], "d"]]
    found = differ(tmp_path, written(rows), written(twice))
    assert found.key is not None
    assert found.key.columns == ("a",)
    assert counts(found) == (0, 0, 1)


def test_several_columns_can_be_the_key_together(tmp_path: Path) -> None:
    found = differ(
        tmp_path,
        b"u,d,v\n1,1,a\n1,2,b\n",
        b"u,d,v\n1,2,c\n1,1,a\n",
        wish=Wish(("u", "d"), "option"),
    )
    assert counts(found) == (0, 0, 1)
    assert found.key == Key(("u", "d"), "option", 0, 0, 0, 0)


def test_a_key_column_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(KeyUnknown, match="no column 'x'") as caught:
        differ(tmp_path, b"a,b\n1,2\n", b"a,b\n1,3\n", wish=Wish(("x",), "option"))
    assert caught.value.hint == "columns: a, b"
    found = differ(tmp_path, b"a,b\n1,2\n", b"a,c\n1,3\n", wish=Wish(("c",), "option"))
    assert found.notes == ("the key column 'c' is in one version only, so is no key",)


@pytest.mark.parametrize(
    ("old", "new", "notes"),
    [
        (b"a,b\n1,x\n", b"a,b\r\n1,x\r\n", ("line ends LF -> CRLF",)),
        (b"a,b\n1,x\n", b"a,b\r1,x\r", ("line ends LF -> CR",)),
        (b"a,b\n1,x\n", b"a;b\n1;x\n", ("separator ',' -> ';'",)),
        (b"a,b\n1,x\n", b'"a","b"\n"1","x"\n', ()),
        (b"a,b\n1,x\n", b"\xef\xbb\xbfa,b\n1,x\n", ()),
        (b"a,b\n1,x\n", "a,b\n1,x\n".encode("utf-16"), ("encoding UTF-8 -> UTF-16",)),
        (b"a,b\n1,x\n", b"\n\na,b\n\n1,x", ()),
        (b"a,b\n1,x\n", b"b,a\nx,1\n", ()),
    ],
)
def test_how_a_table_is_written_does_not_make_rows_differ(
    tmp_path: Path, old: bytes, new: bytes, notes: tuple[str, ...]
) -> None:
    found = differ(tmp_path, old, new)
    assert (found.rows_before, found.rows_after) == (1, 1)
    assert counts(found) == (0, 0, 0)
    assert found.notes == notes
    assert (found.columns_added, found.columns_removed) == ((), ())
    again = differ(tmp_path, new, new)
    assert (counts(again), again.notes) == ((0, 0, 0), ())


def test_columns_in_another_order_are_told(tmp_path: Path) -> None:
    assert differ(tmp_path, b"a,b\n1,x\n", b"b,a\nx,1\n").columns_moved
    assert not differ(tmp_path, b"a,b\n1,x\n", b"a,c,b\n1,,x\n").columns_moved


def test_cells_are_compared_as_text(tmp_path: Path) -> None:
    assert counts(differ(tmp_path, b"k,v\na,1\n", b"k,v\na,1.0\n")) == (0, 0, 1)


def test_text_that_is_not_utf8_is_compared_byte_by_byte(tmp_path: Path) -> None:
    old = b"k,v\n1,caf\xe9\n2,\xe9\xff\n3,x\n"
    assert counts(differ(tmp_path, old, old)) == (0, 0, 0)
    found = differ(tmp_path, old, "k,v\n1,café\n2,b\n3,x\n".encode(), wish=Wish(("v",), "option"))
    assert counts(found) == (2, 2, 0)
    found = differ(tmp_path, old, "k,v\n1,café\n2,b\n3,x\n".encode())
    assert counts(found) == (0, 0, 2)


def test_ragged_rows_are_counted_and_compared(tmp_path: Path) -> None:
    found = differ(tmp_path, b"k,v\n1,a\n2\n3,c\n", b"k,v\n1,a,more\n2\n3,c\n")
    assert counts(found) == (0, 0, 1)
    assert any("more or fewer cells" in note for note in found.notes)
    (change,) = found.examples[0].cells
    assert (change.column, change.after) == ("cell 3", "more")


def test_a_huge_cell_is_a_cell(tmp_path: Path) -> None:
    huge = b"x" * 3_000_000
    old = b'k,v\n1,"' + huge + b'\n"\n2,b\n'
    found = differ(tmp_path, old, old.replace(b"2,b", b"2,c"))
    assert counts(found) == (0, 0, 1)
    found = differ(tmp_path, old, old.replace(b"x\n", b"y\n"))
    assert counts(found) == (0, 0, 1)
    assert len(found.examples[0].cells[0].before) == 200


@pytest.mark.parametrize(
    ("old", "new", "rows", "columns"),
    [
        (b"", b"", (0, 0), (0, 0)),
        (b"", b"a,b\n1,2\n", (0, 1), (0, 2)),
        (b"a,b\n", b"a,b\n1,2\n", (0, 1), (2, 2)),
        (b"a,b\n1,2\n", b"\n", (1, 0), (2, 0)),
        (b"a,b\n1,2\n", b"c\n1\n2\n", (1, 2), (2, 1)),
    ],
)
def test_empty_tables_and_new_headers(
    tmp_path: Path, old: bytes, new: bytes, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    found = differ(tmp_path, old, new)
    assert (found.rows_before, found.rows_after) == rows
    assert (found.rows_added, found.rows_removed) == rows[::-1]
    assert (found.columns_before, found.columns_after) == columns


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.csv", b'k,v\n1,"open\n2,b\n', "a quote is not closed"),
        ("a.csv", b"\x00\x01\x02", "no text"),
        ("a.csv.gz", b"not gzip", "cannot be decompressed"),
        ("a.csv.zst", b"not zstd", "cannot be decompressed"),
        ("a.csv.xz", lzma.compress(b"a,b\n" * 999)[:-20], "cannot be decompressed"),
        ("a.jsonl", b'{"a": 1}\n{', "line 2 is no JSON"),
        ("a.jsonl", b"[1]\n", "line 1 is no JSON object"),
    ],
)
def test_what_is_no_table_is_told_in_a_line(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        differ(tmp_path, data, data + b"\n", name)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.tsv.gz", gzip.compress),
        ("a.tsv.bz2", bz2.compress),
        ("a.tsv.xz", lzma.compress),
        ("a.TSV.zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_compressed_tables_are_compared_like_others(
    tmp_path: Path, name: str, pack: object
) -> None:
    assert callable(pack)
    old, new = b"k\tv\n1\ta\n2\tb,c\n", b"k\tv\n1\ta\n2\td\n"
    found = differ(tmp_path, pack(old), pack(new), name)
    assert (counts(found), found.columns_after) == ((0, 0, 1), 2)


def test_json_lines_have_a_column_for_each_key(tmp_path: Path) -> None:
    old = b'{"id": 1, "v": "a"}\n{"id": 2, "v": ""}\n{"id": 3, "v": {"x": [1, 2.50]}}\n'
    new = b'{"v": "a", "id": 1, "w": true}\n\n{"id": 2, "v": null}\n{"id": 3, "v": {"x": [1, 2.5]}}'
    found = differ(tmp_path, old, new, "a.jsonl")
    assert counts(found) == (0, 0, 1)
    assert found.columns_added == ("w",)
    (change,) = found.examples[0].cells
    assert (change.column, change.before, change.after) == ("v", "", "null")
    retyped = differ(tmp_path, b'{"id": 1}\n', b'{"id": "1"}\n', "a.jsonl").columns_retyped
    assert retyped == (Retyped("id", "integer", "text"),)


def test_statistics_are_those_of_the_whole_columns(tmp_path: Path) -> None:
    old = b"k,n,w,t,d\n1,1,a,true,2024-01-01\n2,2,b,false,2024-01-02\n3,,b,true,2024-01-03\n"
    new = b"k,n,w,t,d\n1,1,c,true,2024-01-01\n2,2.5,c,true,2024-02-02\n3,6,b,true,2024-01-03\n"
    found = {one.column: one for one in differ(tmp_path, old, new).statistics}
    facts = {
        name: {one.name: (one.before, one.after) for one in column.statistics}
        for name, column in found.items()
    }
    assert not found["k"].noticeable
    assert found["k"].changed == ()
    assert facts["n"]["count"] == (2, 3)
    assert facts["n"]["missing"] == (1, 0)
    assert facts["n"]["mean"] == (1.5, pytest.approx(9.5 / 3))
    assert facts["n"]["std"] == (0.5, pytest.approx(2.0949675149660))
    assert (facts["n"]["min"], facts["n"]["max"]) == ((1, 1), (2, 6))
    assert facts["w"]["distinct"] == (2, 2)
    assert facts["w"]["most common"] == ("b", "c")
    assert found["w"].top_after == (("c", 2), ("b", 1))
    assert facts["t"]["share true"] == (pytest.approx(2 / 3), 1)
    assert facts["d"]["last"] == ("2024-01-03", "2024-02-02")


def test_a_column_that_turns_to_text_late_is_told_as_text(tmp_path: Path) -> None:
    old = [[str(i), str(i % 7), "x" * 60] for i in range(60_000)]
    new = [*old[:-1], [old[-1][0], "seven", old[-1][2]]]
    found = differ(tmp_path, written(old), written(new))
    assert found.columns_retyped == (Retyped("a", "integer", "text"),)
    statistics = {one.name: one for one in found.statistics[1].statistics}
    assert (statistics["mean"].before, statistics["mean"].after) == (
        pytest.approx(2.99995, 1e-3),
        None,
    )
    assert statistics["distinct"].after == 8
    assert counts(found) == (0, 0, 1)


def test_very_many_different_words_are_estimated_and_said_to_be(tmp_path: Path) -> None:
    old = written([[str(i), f"w{i}", "x"] for i in range(30_000)])
    new = written([[str(i), f"w{i % 15_000}", "x"] for i in range(30_000)])
    column = differ(tmp_path, old, new).statistics[1]
    distinct = next(one for one in column.statistics if one.name == "distinct")
    assert (distinct.before, distinct.after) == (
        pytest.approx(30_000, 0.1),
        pytest.approx(15_000, 0.1),
    )
    assert column.about
    assert column.noticeable


def test_parquet_is_compared_by_values_and_types(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    old = pd.DataFrame({"k": ["01", "02", "03"], "n": [1, 2, 3], "w": ['a"', "", None]})
    new = pd.DataFrame({"k": ["01", "02", "03"], "n": [1.0, 2.5, 3.0], "w": ['a"', None, None]})
    found = differ(tmp_path, old.to_parquet(), new.to_parquet(), "a.parquet")
    assert counts(found) == (0, 0, 1)
    assert [(one.column, one.before, one.after) for one in found.columns_retyped] == [
        ("n", "int64", "double")
    ]
    assert [(one.before, one.after) for one in found.examples[0].cells] == [
        ("2", "2.5"),
        ("", "null"),
    ]
    with pytest.raises(RequestError, match="is no Parquet file"):
        differ(tmp_path, b"PAR1", b"PAR1 ", "a.parquet")


def test_without_pyarrow_parquet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RequestError, match="needs pyarrow") as caught:
        differ(tmp_path, b"PAR1", b"PAR1 ", "a.parquet")
    assert caught.value.hint == "pip install 'mlo[parquet]'"


_BOUNDED = """
import resource, sys
from pathlib import Path
import pandas
from mlops_cli.data.tables import rows
from mlops_cli.data.tables.compare import Desk, Wish, compare
from mlops_cli.data.tables.opened import open_table
from mlops_cli.data.tables.source import Present

folder = Path(sys.argv[1])
old, new, tiny = [folder / name for name in ("old.csv", "new.csv", "tiny.csv")]

def look(one, other):
    scratch = folder / "tmp"
    versions = [open_table(Present(path), path.name, scratch=scratch) for path in (one, other)]
    limits = rows.Limits(memory_bytes=4 * 2**20, part_bytes=2**20)
    return compare(*versions, Wish(), Desk(scratch, limits=limits))

look(tiny, tiny)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = look(old, new)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) // 1024, found.rows_added, found.rows_removed, found.rows_changed)
"""


def test_memory_stays_far_below_the_size_of_tables_that_share_nothing(tmp_path: Path) -> None:
    count = 300_000
    with (tmp_path / "old.csv").open("w") as old, (tmp_path / "new.csv").open("w") as new:
        old.write("id,a,b\n")
        new.write("id,b,a\n")
        for i in range(count):
            old.write(f"{i},value {i * 7919 % 10007},{'padding ' * 10}{i}\n")
            other = "another" if i % 1000 == 0 else "value"
            new.write(f"{i},{'padding ' * 10}{i},{other} {i * 7919 % 10007}\n")
    (tmp_path / "tiny.csv").write_text("id,a,b\n1,value,x\n")
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    grown_mib, *found = map(int, done.stdout.split())
    assert found == [0, 0, count // 1000]
    size_mib = (tmp_path / "old.csv").stat().st_size * 2 // 2**20
    assert size_mib >= 55
    assert grown_mib < 40, f"{grown_mib} MiB for {size_mib} MiB of text"
