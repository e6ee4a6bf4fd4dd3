"""A snapshot's id depends on content alone, and unchanged files are not read."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.core import tree
from mlops_cli.core.ids import object_id
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data import snapshot
from mlops_cli.errors import RequestError, StateError


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def fill(folder: Path) -> None:
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.bin").write_bytes(b"b" * 100_000)
    (folder / "sub" / "deep" / "tool").write_text("#!/bin/sh\n")
    (folder / "sub" / "deep" / "tool").chmod(0o755)
    (folder / "link").symlink_to("sub/b.bin")
    (folder / "ünï cödé\n").write_text("")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe")).write_text("not UTF-8")


def store(repo: Repository, path: Path) -> snapshot.Snapshot:
    with repo.objects.writer() as writer:
        return snapshot.take(repo, path, writer=writer)


def age(repo: Repository) -> None:
    """Let the file system's clock tick, so that what was written before is trusted."""
    cache = repo.stat_cache
    cache.start()
    first = cache.tick_ns
    while cache.tick_ns == first:
        cache.start()


def test_a_file_has_the_id_of_its_bytes(repo: Repository) -> None:
    (repo.root / "file").write_bytes(b"hello\n")
    found = snapshot.take(repo, repo.root / "file")
    assert found == snapshot.Snapshot(object_id(b"hello\n"), "file", 6, 1)
    assert not repo.objects.has(found.oid)


def test_equal_folders_have_equal_ids_wherever_they_are(repo: Repository) -> None:
    fill(repo.root / "one")
    fill(repo.root / "two")
    one, two = (snapshot.take(repo, repo.root / name) for name in ("one", "two"))
    assert one == two
    assert one.files == 6
    assert one.size == 1 + 100_000 + len("#!/bin/sh\n") + len("sub/b.bin") + len("not UTF-8")


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: (folder / "a.txt").write_text("b"),
        lambda folder: (folder / "a.txt").rename(folder / "c.txt"),
        lambda folder: (folder / "a.txt").chmod(0o755),
        lambda folder: (folder / "empty").rmdir(),
        lambda folder: (folder / "sub" / "deep" / "new").write_text(""),
        lambda folder: (folder / "sub" / "b.bin").unlink(),
    ],
    ids=["content", "name", "executable", "empty folder", "new", "gone"],
)
def test_any_difference_gives_another_id(repo: Repository, edit: object) -> None:
    fill(repo.root / "data")
    before = store(repo, repo.root / "data")
    assert callable(edit)
    edit(repo.root / "data")
    assert snapshot.take(repo, repo.root / "data").oid != before.oid


def test_the_stored_tree_lists_all_of_the_folder(repo: Repository) -> None:
    fill(repo.root / "data")
    found = store(repo, repo.root / "data")
    listing = dict(tree.walk(repo.objects, found.oid))
    assert listing["sub/deep/tool"].mode is tree.Mode.EXECUTABLE
    assert repo.objects.get(listing["link"].oid) == b"sub/b.bin"
    assert repo.objects.get(listing["sub/b.bin"].oid) == b"b" * 100_000
    assert listing["empty"].mode is tree.Mode.FOLDER
    files = {path: one for path, one in listing.items() if one.mode is not tree.Mode.FOLDER}
    assert snapshot.files_at(repo, repo.root / "data") == files


def test_only_changed_files_are_read(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(repo.root / "data")
    age(repo)
    store(repo, repo.root / "data")
    (repo.root / "data" / "sub" / "b.bin").write_text("changed")
    read: list[str] = []
    really_read = snapshot._Scanner._read

    def note(self: snapshot._Scanner, raw: bytes, status: os.stat_result) -> bytes:
        read.append(os.fsdecode(raw))
        return really_read(self, raw, status)

    monkeypatch.setattr(snapshot._Scanner, "_read", note)
    snapshot.take(open_repository(repo.root), repo.root / "data")
    assert read == [str(repo.root / "data" / "sub" / "b.bin")]


def test_a_change_that_keeps_size_and_mtime_is_seen(repo: Repository) -> None:
    path = repo.root / "file"
    path.write_text("one")
    age(repo)
    before = snapshot.take(repo, path)
    status = path.stat()
    path.write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert snapshot.take(open_repository(repo.root), path).oid != before.oid


def test_edits_within_one_tick_of_the_clock_are_seen(repo: Repository) -> None:
    path = repo.root / "file"
    for number in range(200):
        path.write_text(f"{number:03}")
        assert snapshot.take(repo, path).oid == object_id(f"{number:03}".encode())


def test_a_future_mtime_is_never_trusted(repo: Repository) -> None:
    path = repo.root / "file"
    path.write_text("one")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    snapshot.take(repo, path)
    (block,) = open_repository(repo.root).stat_cache.blocks.values()
    ((packed, _),) = block.trusted().values()
    assert packed[:8] == b"\xff" * 8


def test_a_hashed_file_that_was_never_stored_is_stored_by_the_next_add(repo: Repository) -> None:
    fill(repo.root / "data")
    age(repo)
    seen = snapshot.take(repo, repo.root / "data")
    assert store(open_repository(repo.root), repo.root / "data") == seen
    fresh = open_repository(repo.root)
    for _, entry in tree.walk(fresh.objects, seen.oid):
        assert fresh.objects.has(entry.oid)


def test_a_writer_that_failed_leaves_no_claim_that_its_files_are_stored(repo: Repository) -> None:
    fill(repo.root / "data")
    age(repo)
    with pytest.raises(KeyError), repo.objects.writer() as writer:
        snapshot.take(repo, repo.root / "data", writer=writer)
        raise KeyError
    found = store(repo, repo.root / "data")
    assert {path for path, _ in tree.walk(repo.objects, found.oid)} >= {"a.txt", "sub/b.bin"}
    for _, entry in tree.walk(repo.objects, found.oid):
        assert repo.objects.has(entry.oid)


def test_a_damaged_cache_counts_as_empty(repo: Repository) -> None:
    fill(repo.root / "data")
    age(repo)
    before = store(repo, repo.root / "data")
    data = bytearray(repo.layout.stat_cache.read_bytes())
    data[100] ^= 1
    repo.layout.stat_cache.write_bytes(data)
    again = open_repository(repo.root)
    assert again.stat_cache.blocks == {}
    assert snapshot.take(again, repo.root / "data") == before


def test_what_cannot_be_versioned_is_named(repo: Repository) -> None:
    (repo.root / "data").mkdir()
    os.mkfifo(repo.root / "data" / "pipe")
    with pytest.raises(RequestError, match="pipe' is a FIFO"):
        snapshot.take(repo, repo.root / "data")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(repo.root / "sock"))
        with pytest.raises(RequestError, match="sock' is a socket"):
            snapshot.take(repo, repo.root / "sock")
    (repo.root / "link").symlink_to("/etc/passwd")
    with pytest.raises(RequestError, match="symbolic link"):
        snapshot.take(repo, repo.root / "link")
    with pytest.raises(RequestError, match="nothing at"):
        snapshot.take(repo, repo.root / "none")


@pytest.mark.parametrize("name", [".git", ".GIT", ".mlo"])
def test_a_repository_inside_data_is_refused_by_name(repo: Repository, name: str) -> None:
    (repo.root / "data" / "sub" / name).mkdir(parents=True)
    with pytest.raises(RequestError, match=f"{name}' belongs to"):
        snapshot.take(repo, repo.root / "data")


def test_folders_nested_without_end_are_refused(repo: Repository) -> None:
    nested = "/".join(["d"] * tree.MOST_NESTED)
    (repo.root / nested).mkdir(parents=True)
    assert snapshot.take(repo, repo.root / "d").files == 0
    (repo.root / nested / "d").mkdir()
    with pytest.raises(RequestError, match="nested"):
        snapshot.take(repo, repo.root / "d")


def test_a_file_that_changes_while_it_is_added_is_named(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repo.root / "growing.csv"
    path.write_text("start")
    with pytest.raises(StateError, match=r"growing\.csv' changed"), repo.objects.writer() as writer:
        put = writer.put_handle

        def put_while_it_grows(handle: int, size: int, **others: Any) -> tuple[bytes, int]:
            with path.open("a") as file:
                file.write(" more")
            return put(handle, size, **others)

        monkeypatch.setattr(writer, "put_handle", put_while_it_grows)
        snapshot.take(repo, path, writer=writer)
    assert list(repo.objects.each(Kind.BLOB)) == []


def test_files_that_come_and_go_while_they_are_listed_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = create(tmp_path / "project")
    data = repo.root / "data"
    fill(data)
    real = snapshot.take

    def meanwhile(*arguments: Any, **options: Any) -> snapshot.Snapshot:
        found = real(*arguments, **options)
        (data / "new").mkdir()
        (data / "new/file").touch()
        (data / gone).unlink()
        return found

    gone = next(name for name in snapshot.files_at(repo, data) if "/" not in name)
    monkeypatch.setattr(snapshot, "take", meanwhile)
    with pytest.raises(StateError, match=f"{gone}' changed while it was read"):
        snapshot.files_at(repo, data)
