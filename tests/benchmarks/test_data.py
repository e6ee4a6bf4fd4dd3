from pathlib import Path

import pytest

from benchmarks.storage import data

ROWS = 3000


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[list[bytes]]:
    """Return the lines of the four versions of a table."""
    folder = tmp_path_factory.mktemp("tables")
    data.versions(folder, ROWS)
    return [(folder / f"{n}.csv").read_bytes().splitlines(keepends=True) for n in range(4)]


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        data.many(tmp_path / name / "many", 3, 4)
        data.large(tmp_path / name / "large", data.MIB + 7)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_same_rows_give_the_same_tables(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        data.versions(tmp_path / name, 100)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_small_files_all_differ(tmp_path: Path) -> None:
    data.many(tmp_path, 3, 4)
    found = contents(tmp_path)
    assert len(found) == len(set(found.values())) == 12
    assert {len(content) for content in found.values()} == {data.FILE_BYTES}


def test_a_large_file_has_the_length_asked_for(tmp_path: Path) -> None:
    data.large(tmp_path / "file", data.MIB + 7)
    assert (tmp_path / "file").stat().st_size == data.MIB + 7


def test_a_change_changes_as_many_files_as_asked_for(tmp_path: Path) -> None:
    data.many(tmp_path, 3, 4)
    before = contents(tmp_path)
    data.change(tmp_path, 3, 4, count=5, seed=9)
    after = contents(tmp_path)
    assert len(before.items() - after.items()) == 5
    assert [len(content) for content in after.values()] == [data.FILE_BYTES] * 12


def test_the_first_edit_replaces_a_block_in_the_middle_and_inserts_as_much(
    tables: list[list[bytes]],
) -> None:
    base, edited = tables[:2]
    start, count = 1 + ROWS // 2, ROWS // 1000
    assert edited[:start] == base[:start]
    assert edited[start + 2 * count :] == base[start + count :]
    assert not set(edited[start : start + 2 * count]) & set(base)


def test_the_second_edit_changes_single_rows_far_apart(tables: list[list[bytes]]) -> None:
    before, after = tables[1:3]
    pairs = zip(before, after, strict=True)
    changed = [number for number, (old, new) in enumerate(pairs) if old != new]
    assert len(changed) == ROWS // 1000
    assert max(changed) - min(changed) > len(changed)


def test_the_third_edit_appends(tables: list[list[bytes]]) -> None:
    before, after = tables[2:]
    assert after[: len(before)] == before
    assert len(after) - len(before) == ROWS // 1000


def test_no_two_rows_of_a_table_have_the_same_id(tables: list[list[bytes]]) -> None:
    ids = [line.partition(b",")[0] for line in tables[-1]]
    assert len(ids) == len(set(ids))


def test_a_function_that_fails_apart_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="large failed"):
        data.apart(data.large, tmp_path / "no" / "folder", 1)
