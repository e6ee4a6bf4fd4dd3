"""What every kind of remote must keep; a new kind adds one line to `KINDS` or `READ_ONLY`."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlops_cli.errors import Conflict, IntegrityError, RequestError
from mlops_cli.remotes.encrypted import Encrypted
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.http import HttpTransport
from mlops_cli.remotes.s3 import S3Transport
from mlops_cli.remotes.transport import MOST_WHOLE, MissingKey, Transport
from tests.servers.files import FileServer
from tests.servers.seaweed import BUCKET, S3Server
from tests.servers.sshd import Sshd


def folder(request: pytest.FixtureRequest) -> Transport:
    path: Path = request.getfixturevalue("tmp_path")
    return FolderTransport(path / "remote")


def s3(request: pytest.FixtureRequest) -> Transport:
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Transport(f"s3://{BUCKET}/{uuid.uuid4()}/déjà vu", server.environment())


def ssh(request: pytest.FixtureRequest) -> Transport:
    server: Sshd = request.getfixturevalue("ssh_server")
    return server.transport(request.getfixturevalue("tmp_path") / "remote")


def encrypted(request: pytest.FixtureRequest) -> Transport:
    path: Path = request.getfixturevalue("tmp_path")
    return Encrypted(FolderTransport(path / "remote"), bytes(range(32)), aside=path)


KINDS: dict[str, Callable[[pytest.FixtureRequest], Transport]] = {
    "folder": folder,
    "s3": s3,
    "ssh": ssh,
    "encrypted": encrypted,
}
"""What makes an empty remote that can be written."""


def http(request: pytest.FixtureRequest) -> tuple[Transport, Transport]:
    server: FileServer = request.getfixturevalue("file_server")
    return FolderTransport(server.folder), HttpTransport(server.url)


def http_without_ranges(request: pytest.FixtureRequest) -> tuple[Transport, Transport]:
    server: FileServer = request.getfixturevalue("file_server")
    server.ranges = False
    return FolderTransport(server.folder), HttpTransport(server.url)


READ_ONLY: dict[str, Callable[[pytest.FixtureRequest], tuple[Transport, Transport]]] = {
    "http": http,
    "http without ranges": http_without_ranges,
}
"""What makes an empty remote that can only be read, after the transport that fills it."""


@pytest.fixture(params=KINDS, ids=list(KINDS))
def transport(request: pytest.FixtureRequest) -> Transport:
    return KINDS[request.param](request)


@pytest.fixture(params=[*KINDS, *READ_ONLY])
def pair(request: pytest.FixtureRequest) -> tuple[Transport, Transport]:
    """Return what writes a remote, and what reads it."""
    if request.param in READ_ONLY:
        return READ_ONLY[request.param](request)
    one = KINDS[request.param](request)
    return one, one


@pytest.fixture(params=READ_ONLY, ids=list(READ_ONLY))
def read_only(request: pytest.FixtureRequest) -> Transport:
    return READ_ONLY[request.param](request)[1]


Pair = tuple[Transport, Transport]


def test_what_was_written_is_read_whole_and_by_range(pair: Pair) -> None:
    writer, reader = pair
    writer.write_new("packs/a.pack", b"0123456789")
    assert reader.read("packs/a.pack") == b"0123456789"
    assert reader.read("packs/a.pack", 3, 4) == b"3456"
    assert reader.read("packs/a.pack", 8) == b"89"
    assert reader.read("packs/a.pack", 0, 10) == b"0123456789"
    assert reader.size("packs/a.pack") == 10


def test_past_the_end_there_is_nothing(pair: Pair) -> None:
    writer, reader = pair
    writer.write_new("packs/a.pack", b"0123456789")
    writer.write_new("packs/empty.pack", b"")
    assert reader.read("packs/a.pack", 8, 100) == b"89"
    assert reader.read("packs/a.pack", 8, 30_000_000) == b"89"
    assert reader.read("packs/a.pack", 10) == b""
    assert reader.read("packs/a.pack", 11, 5) == b""
    assert reader.read("packs/a.pack", 3, 0) == b""
    assert reader.read("packs/empty.pack") == b""
    assert reader.read("packs/empty.pack", 0, 5) == b""
    assert reader.size("packs/empty.pack") == 0


def test_a_file_is_written_with_its_bytes(pair: Pair, tmp_path: Path) -> None:
    writer, reader = pair
    content = b"".join(number.to_bytes(4, "big") for number in range(6_000_000))
    (tmp_path / "source").write_bytes(content)
    writer.write_new("packs/b.pack", tmp_path / "source")
    assert reader.size("packs/b.pack") == len(content)
    assert reader.read("packs/b.pack") == content
    assert reader.read("packs/b.pack", 1_000_001, 20_000_000) == content[1_000_001:21_000_001]


def test_a_key_larger_than_any_of_ours_is_not_read_whole(pair: Pair, tmp_path: Path) -> None:
    writer, reader = pair
    with (tmp_path / "source").open("wb") as file:
        file.truncate(MOST_WHOLE + 1)
    writer.write_new("state", tmp_path / "source")
    with pytest.raises(IntegrityError, match=r"'state' on the remote .* is larger than 32 MiB"):
        reader.read("state")
    assert reader.read("state", MOST_WHOLE, 9) == b"\0"


def test_nothing_there_is_a_missing_key(pair: Pair) -> None:
    _, reader = pair
    for ask in (
        reader.read,
        reader.size,
        lambda key: reader.read(key, 3, 4),
        lambda key: reader.read(key, 3),
        lambda key: reader.read(key, 3, 0),
    ):
        with pytest.raises(MissingKey, match=r"packs/none\.pack"):
            ask("packs/none.pack")


def test_many_threads_may_read_at_once(pair: Pair) -> None:
    writer, reader = pair
    content = bytes(range(256)) * 40
    writer.write_new("packs/a.pack", content)
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda at: reader.read("packs/a.pack", at, 100), range(0, 10_000, 100))
    assert b"".join(found) == content[:10_000]


def test_a_second_write_changes_nothing(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "second").write_bytes(b"second" * 2_000_000)
    for first in (b"first", tmp_path / "first"):
        if isinstance(first, Path):
            first.write_bytes(b"first" * 2_000_000)
        key = f"packs/{type(first).__name__}.pack"
        transport.write_new(key, first)
        transport.write_new(key, b"second")
        transport.write_new(key, tmp_path / "second")
        assert transport.read(key, 0, 5) == b"first"


def test_keys_are_listed_sorted_by_folder(transport: Transport) -> None:
    assert transport.list("packs/") == []
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
    with pytest.raises(Conflict):
        transport.compare_and_swap("none", b"other", b"two")
    transport.compare_and_swap("refs", b"one", b"two")
    assert transport.read("refs") == b"two"
    transport.compare_and_swap("refs", b"two", b"one")
    assert transport.read("refs") == b"one"


def test_a_value_read_before_another_moved_it_is_not_moved_again(
    transport: Transport, request: pytest.FixtureRequest
) -> None:
    transport.compare_and_swap("refs", None, b"one")
    assert transport.read("refs") == b"one"
    threading_swap(transport, b"one", b"two")
    with pytest.raises(Conflict):
        transport.compare_and_swap("refs", b"one", b"three")
    assert transport.read("refs") == b"two"


def threading_swap(transport: Transport, old: bytes, new: bytes) -> None:
    thread = threading.Thread(target=transport.compare_and_swap, args=("refs", old, new))
    thread.start()
    thread.join()


def test_of_many_swaps_at_once_one_wins(transport: Transport) -> None:
    transport.compare_and_swap("refs", None, b"start")
    assert swapped(transport, b"start") == transport.read("refs")


def test_of_many_that_begin_at_once_one_wins(transport: Transport) -> None:
    assert swapped(transport, None) == transport.read("refs")


def swapped(transport: Transport, old: bytes | None) -> bytes:
    """Return what the one of eight swaps put that won."""
    won: list[bytes] = []

    def swap(number: int) -> None:
        try:
            transport.compare_and_swap("refs", old, str(number).encode())
            won.append(str(number).encode())
        except Conflict:
            pass

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (one,) = won
    return one


def test_a_read_only_remote_says_so(read_only: Transport, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    for write in (
        lambda: read_only.write_new("packs/a.pack", b"x"),
        lambda: read_only.write_new("packs/a.pack", tmp_path / "source"),
        lambda: read_only.compare_and_swap("refs", None, b"x"),
    ):
        with pytest.raises(RequestError, match="read-only"):
            write()
    with pytest.raises(RequestError, match="list"):
        read_only.list("packs/")
