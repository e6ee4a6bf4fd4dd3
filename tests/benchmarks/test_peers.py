"""The verbs of the tools that are there on every machine, on tiny data."""

from pathlib import Path

import pytest

from benchmarks.storage.peers.git import Git
from benchmarks.storage.peers.ours import Mlo
from benchmarks.storage.peers.peer import Command, Peer, remove
from tests.benchmarks.test_data import contents


def run(command: Command | None) -> None:
    assert command is not None
    command.run()


def added(kind: type[Peer], home: Path) -> Peer:
    """Return a tool that has added and committed two files."""
    peer = kind(home)
    peer.path.mkdir()
    for name in ("a", "b"):
        (peer.path / name).write_text(name * 100)
    peer.forget()
    run(peer.add())
    peer.record()
    return peer


@pytest.mark.parametrize("kind", [Mlo, Git])
def test_what_is_pushed_is_pulled_into_a_clone(kind: type[Peer], tmp_path: Path) -> None:
    peer = added(kind, tmp_path)
    run(peer.status())
    run(peer.push())
    assert peer.stored_bytes() > 0 < peer.sent_bytes()
    peer.make_clone()
    run(peer.pull())
    assert contents(peer.clone / "data") == contents(peer.path)


@pytest.mark.parametrize("kind", [Mlo, Git])
def test_what_is_deleted_is_checked_out(kind: type[Peer], tmp_path: Path) -> None:
    peer = added(kind, tmp_path)
    before = contents(peer.path)
    remove(peer.path)
    run(peer.checkout())
    assert contents(peer.path) == before


@pytest.mark.parametrize("kind", [Mlo, Git])
def test_after_it_was_undone_a_push_sends_all_again(kind: type[Peer], tmp_path: Path) -> None:
    peer = added(kind, tmp_path)
    run(peer.push())
    sent = peer.sent_bytes()
    peer.unpush()
    run(peer.push())
    assert peer.sent_bytes() == pytest.approx(sent, rel=0.1)


def test_what_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not a git repository"):
        Git(tmp_path).run("git", "log")
