"""What several processes store is what one would store, and each thing once."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core import open_pack, workers
from mlops_cli.core.claims import Claims
from mlops_cli.core.ids import object_id
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data import gather, snapshot

FILES = 1_000


@pytest.fixture(autouse=True)
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "helpful", lambda count, *, least: 2 if count >= 100 else 1)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = create(tmp_path / "project")
    for number in range(FILES):
        folder = repo.root / "data" / f"{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").write_text(f"text {number}")
    return repo


def take(repo: Repository) -> snapshot.Snapshot:
    with repo.objects.writer() as writer:
        return snapshot.take(repo, repo.root / "data", writer=writer)


def test_it_is_the_tree_that_is_found_without_storing(repo: Repository) -> None:
    expected = snapshot.take(repo, repo.root / "data")
    assert take(open_repository(repo.root)) == expected
    stored = set(open_repository(repo.root).objects.each(Kind.BLOB))
    assert stored == {object_id(f"text {number}".encode()) for number in range(FILES)}


def test_many_files_are_stored_a_batch_at_a_time(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo.root / "data/3/deep/er").mkdir(parents=True)
    (repo.root / "data/3/deep/er/x").write_text("deep")
    (repo.root / "data/top").write_text("top")
    expected = snapshot.take(repo, repo.root / "data")
    batches: list[int] = []
    real = gather.Gatherer._store

    def store(self: gather.Gatherer, batch: list[gather._Folder], count: int, n: int) -> None:
        batches.append(count)
        real(self, batch, count, n)

    monkeypatch.setattr(gather, "_BATCH", 300)
    monkeypatch.setattr(gather.Gatherer, "_store", store)
    assert take(open_repository(repo.root)) == expected
    assert len(batches) == 3  # what is left in the end is too little for two
    assert sum(batches) > FILES * 0.8


def test_threads_of_the_writer_have_ended_before_a_fork(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "_BATCH", 300)
    monkeypatch.setattr(open_pack, "_BATCH_BYTES", 1)  # so that its thread starts at once
    running = threading.active_count()
    more: list[int] = []

    def helpful(count: int, *, least: int) -> int:
        more.append(threading.active_count() - running)
        return 2 if count >= 100 else 1

    monkeypatch.setattr(workers, "helpful", helpful)
    take(repo)
    assert len(more) > 2
    assert not any(more)


def test_each_thing_is_stored_once(repo: Repository) -> None:
    for path in (repo.root / "data").rglob("*.txt"):
        path.write_text(f"text {len(path.name)}")
    take(repo)
    indexes = repo.objects.indexes().values()
    blobs = [index.key(at) for index in indexes for at in index.of_kind(Kind.BLOB)]
    assert len(blobs) <= 2 * len(set(blobs)) == 6  # two may ask in the same instant


def test_what_is_no_small_file_is_stored_too(repo: Repository) -> None:
    (repo.root / "data/0/large").write_bytes(os.urandom(200_000))
    (repo.root / "data/1/empty").touch()
    (repo.root / "data/2/link").symlink_to("nowhere")
    (repo.root / "data/3/.hidden").mkdir()
    found = take(repo)
    assert found.files == FILES + 3
    again = open_repository(repo.root)
    assert snapshot.take(again, repo.root / "data").oid == found.oid
    assert again.objects.has(object_id(b"nowhere"))
    assert again.objects.has(object_id((repo.root / "data/0/large").read_bytes()))


def test_a_file_that_changes_after_it_was_gathered_is_read_again(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = gather.Gatherer.seen

    def gather_then_change(self: gather.Gatherer, folder: bytes) -> gather.Seen:
        found = seen(self, folder)
        if folder.endswith(b"/0"):
            (repo.root / "data/6/6.txt").write_text("changed")
        return found

    monkeypatch.setattr(gather.Gatherer, "seen", gather_then_change)
    found = take(repo)
    assert repo.objects.has(object_id(b"changed"))
    assert snapshot.take(open_repository(repo.root), repo.root / "data").oid == found.oid


def test_who_watches_is_told_of_every_byte_once(repo: Repository) -> None:
    steps: list[int] = []
    with repo.objects.writer() as writer:
        found = snapshot.take(repo, repo.root / "data", writer=writer, advance=steps.append)
    assert sum(steps) == found.size


def test_an_add_that_fails_names_nothing(repo: Repository) -> None:
    (repo.root / "data/zz").mkdir()
    os.mkfifo(repo.root / "data/zz/fifo")
    with pytest.raises(Exception, match="FIFO"):
        take(repo)
    os.unlink(repo.root / "data/zz/fifo")
    assert take(open_repository(repo.root)).files == FILES


def test_files_that_were_stored_before_are_not_read(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(repo)
    read: list[bytes] = []
    monkeypatch.setattr(gather, "_store", lambda *_: pytest.fail("gathered again"))
    scanner = snapshot._Scanner._read

    def reading(self: snapshot._Scanner, raw: bytes, status: os.stat_result) -> bytes:
        read.append(raw)
        return scanner(self, raw, status)

    monkeypatch.setattr(snapshot._Scanner, "_read", reading)
    (repo.root / "data/3/3.txt").write_text("another")
    take(open_repository(repo.root))
    assert os.fsencode(repo.root / "data/3/3.txt") in read
    assert len(read) < FILES // 10  # those of the clock's last tick are read again


def test_claims_give_each_object_to_one() -> None:
    claims = Claims(1_000)
    keys = [os.urandom(32) for _ in range(1_000)]
    assert all(claims.take(key) for key in keys)
    assert not any(claims.take(key) for key in keys)


def test_claims_hold_between_processes() -> None:
    claims = Claims(2_000)
    keys = [os.urandom(32) for _ in range(2_000)]

    def work(part: list[bytes], _: Callable[[int], None]) -> bytes:
        return bytes([claims.take(key) for key in part])

    one, two = workers.share([keys, list(reversed(keys))], work, lambda _: None)
    taken = [a + b for a, b in zip(one, reversed(two), strict=True)]
    assert min(taken) == 1
    assert sum(taken) < 2_100  # in the same instant both may get one
