"""Restoring gives the same bytes back, and loses nobody's work."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create
from mlops_cli.data import snapshot
from mlops_cli.data.restore import Restored, restore
from mlops_cli.errors import Conflict, IntegrityError, MissingObject
from tests.data.test_snapshot import fill, store


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def back(
    repo: Repository, found: snapshot.Snapshot, path: Path, *, force: bool = False
) -> Restored:
    return restore(repo, found.oid, found.kind, path, force=force)


def test_a_deleted_folder_comes_back_whole(repo: Repository) -> None:
    path = repo.root / "data"
    fill(path)
    found = store(repo, path)
    shutil.rmtree(path)
    assert back(repo, found, path) == Restored(written=6, removed=0)
    assert snapshot.take(repo, path) == found
    assert os.readlink(path / "link") == "sub/b.bin"
    assert os.access(path / "sub/deep/tool", os.X_OK)
    assert list((repo.root / ".mlo/tmp").iterdir()) == []


def test_restoring_what_is_there_writes_nothing(repo: Repository) -> None:
    fill(repo.root / "data")
    found = store(repo, repo.root / "data")
    assert back(repo, found, repo.root / "data") == Restored(written=0, removed=0)


def test_work_that_is_in_no_store_is_kept_unless_forced(repo: Repository) -> None:
    path = repo.root / "data"
    fill(path)
    found = store(repo, path)
    (path / "a.txt").write_text("precious")
    (path / "new.txt").write_text("also precious")
    with pytest.raises(Conflict, match="and 1 more") as caught:
        back(repo, found, path)
    assert caught.value.hint
    assert "mlo add data" in caught.value.hint
    assert (path / "a.txt").read_text() == "precious"
    assert back(repo, found, path, force=True) == Restored(written=1, removed=1)
    assert snapshot.take(repo, path) == found


def test_work_that_is_stored_may_be_replaced(repo: Repository) -> None:
    path = repo.root / "file"
    path.write_text("one")
    one = store(repo, path)
    path.write_text("two")
    two = store(repo, path)
    back(repo, one, path)
    assert path.read_text() == "one"
    back(repo, two, path)
    assert path.read_text() == "two"


def test_a_file_takes_the_place_of_a_folder_and_back(repo: Repository) -> None:
    path = repo.root / "data"
    fill(path)
    folder = store(repo, path)
    shutil.rmtree(path)
    path.write_text("now a file")
    file = store(repo, path)
    back(repo, folder, path)
    assert snapshot.take(repo, path) == folder
    back(repo, file, path)
    assert path.read_text() == "now a file"


def test_nothing_is_touched_when_an_object_is_missing(repo: Repository) -> None:
    fill(repo.root / "data")
    found = snapshot.take(repo, repo.root / "data")
    entry = tree.Entry("a", tree.Mode.FILE, 1, ObjectId("1" * 64))
    partial = repo.objects.put(tree.encode([entry]), Kind.TREE)
    with pytest.raises(MissingObject, match="'a'"):
        restore(repo, partial, "folder", repo.root / "data", force=True)
    assert snapshot.take(repo, repo.root / "data") == found


def test_a_link_in_the_way_is_replaced_and_never_followed(repo: Repository, tmp_path: Path) -> None:
    path = repo.root / "data"
    (path / "sub").mkdir(parents=True)
    (path / "sub" / "file").write_text("inside")
    found = store(repo, path)
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(path / "sub")
    (path / "sub").symlink_to(outside)
    back(repo, found, path)
    assert list(outside.iterdir()) == []
    assert (path / "sub" / "file").read_text() == "inside"


@pytest.mark.parametrize("points_to", [b"", b"a\0b"], ids=["nowhere", "a NUL"])
def test_a_link_that_no_system_has_is_refused(repo: Repository, points_to: bytes) -> None:
    link = tree.Entry("link", tree.Mode.SYMLINK, len(points_to), repo.objects.put(points_to))
    oid = repo.objects.put(tree.encode([link]), Kind.TREE)
    with pytest.raises(IntegrityError, match="link"):
        restore(repo, oid, "folder", repo.root / "data")
    assert not (repo.root / "data").exists()


def test_a_tree_that_is_none_is_refused(repo: Repository) -> None:
    oid = repo.objects.put(b"not a tree")
    with pytest.raises(IntegrityError):
        restore(repo, oid, "folder", repo.root / "data")
    assert not (repo.root / "data").exists()


contents = st.dictionaries(
    st.sampled_from(["a", "b", "c/d", "c/e", "c/f/g"]), st.binary(max_size=40), max_size=5
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(contents, contents)
def test_any_version_is_reached_from_any_other(
    repo: Repository, one: dict[str, bytes], two: dict[str, bytes]
) -> None:
    path = repo.root / "data"
    versions = []
    for version in (one, two):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        for name, content in version.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        versions.append(store(repo, path))
    for found in (versions[0], versions[1]):
        back(repo, found, path)
        assert snapshot.take(repo, path) == found
        assert snapshot.take(create(repo.root), path) == found


class Meanwhile:
    """Somebody who edits a file while others are being written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        yield lambda _: None if self._path.read_text() == "edit" else self._edit()

    def _edit(self) -> None:
        self._path.write_text("edit")


def three(repo: Repository) -> tuple[Path, snapshot.Snapshot]:
    """Store a folder of three files; return its path and what it is."""
    path = repo.root / "data"
    path.mkdir()
    for name in ("a", "m", "z"):
        (path / name).write_text("once")
    return path, store(repo, path)


@pytest.mark.parametrize("edited", ["a", "z"])
def test_a_file_that_is_edited_during_a_restore_is_seen_as_edited(
    repo: Repository, edited: str
) -> None:
    path, first = three(repo)
    for name in ("a", "m"):
        (path / name).write_text("then")
    second = store(repo, path)
    watcher = Meanwhile(path / edited)
    (path / "m").unlink()
    restore(repo, first.oid, first.kind, path, progress=watcher)
    assert (path / edited).read_text() == "edit"
    assert snapshot.take(Repository(repo.layout), path) != first
    with pytest.raises(Conflict, match="in no store"):
        back(repo, second, path)


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_is_edited_just_before_it_would_be_overwritten_is_kept(
    repo: Repository, there: bool
) -> None:
    path, first = three(repo)
    for name in ("a", "m", "z"):
        (path / name).write_text("then")
    if not there:
        (path / "z").unlink()
    store(repo, path)

    class Edit(Meanwhile):
        @contextmanager
        def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
            yield lambda _: self._edit()

    with pytest.raises(Conflict, match="was changed while"):
        restore(repo, first.oid, first.kind, path, progress=Edit(path / "z"))
    assert (path / "z").read_text() == "edit"
    assert (path / "a").read_text() == "once"
    back(repo, first, path, force=True)
    assert snapshot.take(repo, path) == first
