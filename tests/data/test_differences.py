"""What differs between two folders is found without looking where nothing differs."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository, create
from mlops_cli.data import snapshot
from mlops_cli.data.differences import Pair, between, from_tree

NAMES = st.sampled_from(["a", "a.b", "a b", "b", "ü"])
FOLDERS = st.recursive(
    st.binary(max_size=2), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
).filter(lambda one: isinstance(one, dict))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def fill(folder: Path, content: dict[str, object]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, one in content.items():
        if isinstance(one, dict):
            fill(folder / name, one)
        else:
            assert isinstance(one, bytes)
            (folder / name).write_bytes(one)


def store(repo: Repository, content: dict[str, object]) -> ObjectId:
    fill(repo.root / "data", content)
    with repo.objects.writer() as writer:
        return snapshot.take(repo, repo.root / "data", writer=writer).oid


def flat(repo: Repository, oid: ObjectId) -> dict[str, tree.Entry]:
    return {
        path: entry
        for path, entry in tree.walk(repo.objects, oid, "data/")
        if entry.mode is not tree.Mode.FOLDER
    }


def seen(pairs: list[Pair]) -> dict[str, tuple[ObjectId | None, ObjectId | None]]:
    found = {pair.path: (pair.old and pair.old.oid, pair.new and pair.new.oid) for pair in pairs}
    assert len(found) == len(pairs)
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=FOLDERS, after=FOLDERS)
def test_the_pairs_are_what_a_full_comparison_finds(
    repo: Repository, before: dict[str, object], after: dict[str, object]
) -> None:
    old, new = store(repo, before), store(repo, after)
    one, other = flat(repo, old), flat(repo, new)
    expected = {
        path: (one[path].oid if path in one else None, other[path].oid if path in other else None)
        for path in {*one, *other}
        if path not in one or path not in other or one[path].oid != other[path].oid
    }
    assert seen(list(between(repo.objects, old, new, "data"))) == expected
    assert seen(list(from_tree(repo, old, "data"))) == expected


def test_sizes_are_those_of_the_files(repo: Repository) -> None:
    old = store(repo, {"a": b"12", "b": {"c": b"123"}})
    fill(repo.root / "data", {"a": b"1234", "b": {"c": b"123"}})
    (pair,) = from_tree(repo, old, "data")
    assert pair.old is not None
    assert pair.new is not None
    assert (pair.old.size, pair.new.size) == (2, 4)


def test_equal_folders_are_not_looked_into(repo: Repository) -> None:
    old = store(repo, {"same": {"x": b"1"}, "other": {"y": b"2"}})
    fill(repo.root / "data", {"same": {"x": b"1"}, "other": {"y": b"3"}})
    same = next(entry for entry in tree.decode(repo.objects.get(old)) if entry.name == "same")
    real = repo.objects.get
    asked: list[ObjectId] = []
    repo.objects.get = lambda oid: (asked.append(oid), real(oid))[1]  # type: ignore[method-assign, func-returns-value]
    assert [pair.path for pair in from_tree(repo, old, "data")] == ["data/other/y"]
    assert same.oid not in asked


def test_folders_that_programs_leave_behind_do_not_shift_the_others(repo: Repository) -> None:
    old = store(repo, {"a": {"x": b"1"}, "b": {"x": b"2"}, "c": {"x": b"3"}})
    (repo.root / "data" / "aa" / "x").parent.mkdir()
    (repo.root / "data" / "__pycache__").mkdir()
    (repo.root / "data" / "c" / "x").write_bytes(b"4")
    found = [pair.path for pair in from_tree(repo, old, "data")]
    assert found == ["data/c/x"]
