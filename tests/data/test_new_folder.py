"""A folder is made whole or not at all, whoever does the work, and is known from then on."""

import os
import shutil
from pathlib import Path

import pytest

from mlops_cli.core.progress import SILENT
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.core.stat_cache import STAT, settle, settle_all
from mlops_cli.data import new_folder, snapshot
from mlops_cli.errors import ExternalError, IntegrityError
from tests.data.test_snapshot import store


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def many(path: Path) -> None:
    """Fill a folder: an empty one, one of many files, one three deep, links and large files."""
    for number in range(40):
        (path / "many").mkdir(parents=True, exist_ok=True)
        (path / "many" / f"{number}.txt").write_text(f"text {number}")
    (path / "empty/inner").mkdir(parents=True)
    (path / "a/b/c").mkdir(parents=True)
    (path / "a/b/c/large").write_bytes(os.urandom(300_000))
    (path / "a/link").symlink_to("b/c/large")
    (path / "a/tool").write_text("#!/bin/sh")
    (path / "a/tool").chmod(0o755)


@pytest.mark.parametrize("least", [1, 1_000], ids=["by several processes", "by one"])
def test_it_is_as_it_was_and_need_not_be_read_again(
    repo: Repository, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repo.root / "data"
    many(path)
    found = store(repo, path)
    shutil.rmtree(path)
    monkeypatch.setattr(new_folder, "_WORTH_A_PROCESS", least)
    monkeypatch.setattr(repo.stat_cache, "start", lambda: None)
    repo.stat_cache.tick_ns = 1 << 62  # as if the clock had gone on since
    assert new_folder.make(repo, found.oid, path, SILENT, remembered=True) == found.files
    monkeypatch.setattr(snapshot._Scanner, "_read", lambda *_: pytest.fail("a file was read"))
    again = open_repository(repo.root)
    monkeypatch.setattr(again.stat_cache, "start", lambda: None)
    assert snapshot.take(again, path) == found


def test_damage_leaves_nothing_behind(repo: Repository) -> None:
    path = repo.root / "data"
    many(path)
    found = store(repo, path)
    shutil.rmtree(path)
    for pack in (repo.root / ".mlo/packs").iterdir():
        data = bytearray(pack.read_bytes())
        at = data.find(b"text 7")
        if at >= 0:
            data[at] ^= 1
            pack.chmod(0o644)
            pack.write_bytes(data)
    with pytest.raises(IntegrityError):
        new_folder.make(open_repository(repo.root), found.oid, path, SILENT)
    assert not path.exists()
    assert list((repo.root / ".mlo/tmp").iterdir()) == []


def test_what_has_appeared_there_meanwhile_is_kept(repo: Repository) -> None:
    path = repo.root / "data"
    many(path)
    found = store(repo, path)
    with pytest.raises(ExternalError):
        new_folder.make(repo, found.oid, path, SILENT)
    assert snapshot.take(repo, path) == found


def test_many_stats_are_settled_as_each_alone_is() -> None:
    times = [(10, 10), (10, 30), (30, 10), (29, 29)]
    stats = [STAT.pack(at, mtime, ctime, at, 0o644) for at, (mtime, ctime) in enumerate(times)]
    for tick in (5, 30, 31):
        assert settle_all(b"".join(stats), tick) == b"".join([settle(one, tick) for one in stats])
    assert settle_all(b"", 1) == b""
