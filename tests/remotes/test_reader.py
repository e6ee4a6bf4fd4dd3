"""Any range of an object can be read, from the store or in place from a remote, and is checked."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.packs import Codec
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, MissingObject
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.push import push
from mlops_cli.remotes.reader import Cache, Reader
from mlops_cli.remotes.remote import Remote
from tests.conftest import noise
from tests.remotes.conftest import remote_of

SIZE = 1_500_000
CONTENT = noise(SIZE)
OID = object_id(CONTENT)


class Counting(FolderTransport):
    """Notes how much is read from packs, once their indexes are known."""

    readers = 1

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sizes: list[int] = []

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        data = super().read(key, start, length)
        if key.startswith("packs/"):
            self.sizes.append(len(data))
        return data


def put(repo: Repository, content: bytes, like: ObjectId | None = None) -> ObjectId:
    with repo.objects.writer() as writer:
        return writer.put_stream(io.BytesIO(content), like=like)[0]


def from_remote(there: Repository, folder: Path) -> tuple[Reader, Counting]:
    transport = Counting(folder)
    remote = Remote("origin", transport, there.layout.remotes / "origin")
    remote.catalogue.refresh(transport, remote.read().state.packs)
    transport.sizes.clear()
    return Reader(there.objects, lambda: remote), transport


@pytest.fixture
def pushed(here: Repository, there: Repository, tmp_path: Path) -> tuple[Reader, Counting]:
    """Return a reader of a store that is empty, beside a remote that has `CONTENT`."""
    here.objects.put(CONTENT)
    push(here, remote_of(here, tmp_path / "remote"))
    return from_remote(there, tmp_path / "remote")


@given(start=st.integers(0, SIZE + 10), length=st.integers(0, SIZE))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_range_is_what_it_is_of_the_whole(
    pushed: tuple[Reader, Counting], start: int, length: int
) -> None:
    assert pushed[0].pread(OID, start, length) == CONTENT[start : start + length]


def test_a_store_alone_is_read_without_a_remote(here: Repository) -> None:
    oid, small, empty = (put(here, content) for content in (CONTENT, b"small", b""))
    reader = Reader(here.objects, lambda: pytest.fail("nobody has to be asked"))
    assert reader.pread(oid, 700_000, 5) == CONTENT[700_000:700_005]
    assert (reader.pread(small, 1, 3), reader.pread(empty, 0, 9)) == (b"mal", b"")
    assert [reader.size(one) for one in (oid, small, empty)] == [SIZE, 5, 0]
    assert reader.get(oid) == CONTENT


def test_a_range_costs_about_what_it_has(pushed: tuple[Reader, Counting]) -> None:
    reader, transport = pushed
    reader.pread(OID, 900_000, 100)
    assert sum(transport.sizes) < 300_000
    transport.sizes.clear()
    reader.pread(OID, 900_000, 200)
    assert transport.sizes == []


def test_what_lies_together_is_read_at_once(pushed: tuple[Reader, Counting]) -> None:
    reader, transport = pushed
    assert reader.get(OID) == CONTENT
    assert len(transport.sizes) <= 3


def test_what_is_asked_for_ahead_comes_with_the_rest(pushed: tuple[Reader, Counting]) -> None:
    reader, transport = pushed
    list(reader.stream(OID, 0, 1000, ahead=1_000_000))
    asked = len(transport.sizes)
    assert reader.pread(OID, 1000, 900_000) == CONTENT[1000:901_000]
    assert len(transport.sizes) == asked


def test_nothing_is_written_of_what_is_read(
    pushed: tuple[Reader, Counting], there: Repository
) -> None:
    pushed[0].get(OID)
    assert not there.objects.has(OID)
    assert list(there.layout.packs.iterdir()) == []


def test_what_is_pushed_later_is_seen(
    here: Repository, pushed: tuple[Reader, Counting], tmp_path: Path
) -> None:
    reader, _ = pushed
    oid = here.objects.put(b"later")
    with pytest.raises(MissingObject, match="neither here nor on 'origin'"):
        reader.get(oid)
    push(here, remote_of(here, tmp_path / "remote"))
    assert reader.get(oid) == b"later"


def test_without_a_remote_it_says_how_to_name_one(there: Repository) -> None:
    with pytest.raises(MissingObject) as caught:
        Reader(there.objects, lambda: None).size(OID)
    assert caught.value.hint == "mlo remote add origin URL"


def edited() -> bytes:
    """Return the content with a byte changed in every chunk, so that all chunks are deltas."""
    changed = bytearray(CONTENT)
    changed[::9000] = bytes(len(changed[::9000]))
    return bytes(changed)


def test_chunks_told_against_others_are_read_from_a_remote(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    old = put(here, CONTENT)
    new = put(here, edited(), old)
    stored = [here.objects.stored(chunk)[1].codec for chunk in here.objects.chunks(new)]
    assert Codec.DELTA in stored
    push(here, remote_of(here, tmp_path / "remote"))
    reader, _ = from_remote(there, tmp_path / "remote")
    assert reader.pread(new, 500_000, 300_000) == edited()[500_000:800_000]
    assert reader.get(new) == edited()
    assert Reader(here.objects, lambda: None).get(new) == edited()


@pytest.mark.parametrize("damage", [lambda raw: raw[:40] + b"?" + raw[41:], lambda raw: raw[:90]])
def test_damage_on_a_remote_is_told(
    here: Repository,
    there: Repository,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    oid = here.objects.put(noise(5000))
    push(here, remote_of(here, tmp_path / "remote"))
    reader, _ = from_remote(there, tmp_path / "remote")
    (pack,) = (tmp_path / "remote/packs").iterdir()
    pack.write_bytes(damage(pack.read_bytes()))
    with pytest.raises(IntegrityError, match="on the remote 'origin' is damaged"):
        reader.pread(oid, 10, 10)


def test_damage_in_the_store_is_told(here: Repository) -> None:
    put(here, CONTENT)
    (pack,) = here.layout.packs.iterdir()
    raw = bytearray(pack.read_bytes())
    raw[700_000] ^= 1
    pack.write_bytes(raw)
    reader = Reader(here.objects, lambda: None)
    with pytest.raises(IntegrityError, match="damaged"):
        reader.pread(OID, 0, SIZE)
    assert reader.pread(OID, 0, 1000) == CONTENT[:1000]


def test_threads_may_share_a_reader(pushed: tuple[Reader, Counting]) -> None:
    reader, _ = pushed
    starts = range(0, SIZE, 37_123)
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda start: reader.pread(OID, start, 37_123), starts))
    assert b"".join(got) == CONTENT


def test_a_transport_that_takes_several_readers_gets_them(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    content = noise(20_000_000)
    oid = here.objects.put(content)
    push(here, remote_of(here, tmp_path / "remote"))
    reader, transport = from_remote(there, tmp_path / "remote")
    transport.readers = 4
    assert reader.get(oid) == content
    assert max(transport.sizes) <= 8 * 1024 * 1024


def test_the_cache_keeps_to_its_bound() -> None:
    cache = Cache(1000)
    for number in range(50):
        cache.put(bytes([number]), bytes(100))
        cache.get(b"\0")
    assert cache.get(b"\0") is not None
    assert sum(cache.get(bytes([number])) is not None for number in range(50)) == 10
