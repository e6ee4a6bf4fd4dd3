"""What every kind of remote must keep; a new kind adds one line to `KINDS`."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.errors import Conflict
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.transport import MissingKey, Transport

KINDS: dict[str, Callable[[Path], Transport]] = {
    "folder": lambda tmp_path: FolderTransport(tmp_path / "remote"),
}


@pytest.fixture(params=KINDS, ids=list(KINDS))
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Transport:
    return KINDS[request.param](tmp_path)


def test_what_was_written_is_read_whole_and_by_range(transport: Transport) -> None:
    transport.write_new("packs/a.pack", b"0123456789")
    assert transport.read("packs/a.pack") == b"0123456789"
    assert transport.read("packs/a.pack", 3, 4) == b"3456"
    assert transport.read("packs/a.pack", 8) == b"89"
    assert transport.size("packs/a.pack") == 10


def test_a_file_is_written_with_its_bytes(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 9_000_000)
    transport.write_new("packs/b.pack", tmp_path / "source")
    assert transport.read("packs/b.pack") == b"x" * 9_000_000


def test_nothing_there_is_a_missing_key(transport: Transport) -> None:
    for ask in (transport.read, transport.size):
        with pytest.raises(MissingKey, match=r"packs/none\.pack"):
            ask("packs/none.pack")
    assert transport.list("packs/") == []


def test_a_second_write_changes_nothing(transport: Transport) -> None:
    transport.write_new("packs/a.pack", b"first")
    transport.write_new("packs/a.pack", b"second")
    assert transport.read("packs/a.pack") == b"first"


def test_keys_are_listed_sorted_by_folder(transport: Transport) -> None:
    for name in ("b", "a", "c"):
        transport.write_new(f"packs/{name}.pack", b"")
    transport.write_new("format", b"")
    assert transport.list("packs/") == ["packs/a.pack", "packs/b.pack", "packs/c.pack"]


def test_compare_and_swap_moves_only_from_the_value_it_expects(transport: Transport) -> None:
    transport.compare_and_swap("refs", None, b"one")
    with pytest.raises(Conflict):
        transport.compare_and_swap("refs", None, b"two")
    with pytest.raises(Conflict):
        transport.compare_and_swap("refs", b"other", b"two")
    transport.compare_and_swap("refs", b"one", b"two")
    assert transport.read("refs") == b"two"


def test_of_many_swaps_at_once_one_wins(transport: Transport) -> None:
    transport.compare_and_swap("refs", None, b"start")
    won: list[int] = []

    def swap(number: int) -> None:
        try:
            transport.compare_and_swap("refs", b"start", str(number).encode())
            won.append(number)
        except Conflict:
            pass

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert transport.read("refs") == str(won[0]).encode()
