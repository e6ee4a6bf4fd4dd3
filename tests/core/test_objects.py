"""The promises of the object store."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_cli.core import delta, tidy
from mlops_cli.core.codec import CHUNK_MAX, WHOLE_MAX
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import Kind, ObjectStore
from mlops_cli.core.packs import Codec, Entry
from mlops_cli.errors import ExternalError, IntegrityError, MissingObject
from tests.conftest import in_threads, noise

NOWHERE = ObjectId("0" * 64)


def open_store(folder: Path) -> ObjectStore:
    for name in ("packs", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return ObjectStore(folder / "packs", folder / "tmp")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"text " * 5_000,
        noise(WHOLE_MAX),
        noise(WHOLE_MAX + 1),
        b"\0" * 3_000_000,
        noise(3_000_000),
    ],
    ids=["empty", "one", "text", "largest whole", "smallest cut", "zeros", "noise"],
)
def test_get_returns_what_was_put(tmp_path: Path, content: bytes) -> None:
    oid = open_store(tmp_path).put(content)
    again = open_store(tmp_path)
    assert oid == blake3(content).hexdigest()
    assert again.get(oid) == content
    assert again.size(oid) == len(content)
    assert b"".join(again.stream(oid)) == content


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=30))
def test_many_objects_in_one_pack_come_back(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    with open_store(folder).writer() as writer:
        oids = [writer.put(content) for content in contents]
    store = open_store(folder)
    assert [store.get(oid) for oid in oids] == contents
    assert set(store.each(Kind.BLOB)) == set(oids)


def test_a_second_put_of_equal_bytes_writes_nothing(tmp_path: Path, store: ObjectStore) -> None:
    store.put(noise(200_000))
    before = sorted((tmp_path / "packs").iterdir())
    store.put(noise(200_000))
    assert sorted((tmp_path / "packs").iterdir()) == before


def test_a_small_edit_of_large_content_stores_little(tmp_path: Path, store: ObjectStore) -> None:
    content = noise(8_000_000)
    store.put(content)
    before = sum(path.stat().st_size for path in (tmp_path / "packs").iterdir())
    edited = content[:4_000_000] + b"inserted" + content[4_000_000:]
    oid = store.put(edited)
    after = sum(path.stat().st_size for path in (tmp_path / "packs").iterdir())
    assert store.get(oid) == edited
    assert after - before < 3 * CHUNK_MAX


def test_put_file_gives_the_id_that_b3sum_prints(tmp_path: Path, store: ObjectStore) -> None:
    content = noise(1_500_000)
    (tmp_path / "file").write_bytes(content)
    with store.writer() as writer:
        assert writer.put_file(tmp_path / "file") == (object_id(content), len(content))
    assert store.get(object_id(content)) == content


def test_a_missing_object_is_named_with_what_to_type(store: ObjectStore) -> None:
    with pytest.raises(MissingObject, match=NOWHERE) as caught:
        store.get(NOWHERE)
    assert caught.value.hint == "mlo fetch"
    assert not store.has(NOWHERE)


def test_nothing_is_visible_of_a_writer_that_raised(tmp_path: Path, store: ObjectStore) -> None:
    with pytest.raises(KeyError), store.writer() as writer:
        oid = writer.put(b"half of something")
        raise KeyError
    assert not store.has(oid)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("size", [1_000, 20_000_000], ids=["small", "large"])
def test_a_writer_that_the_disk_refused_leaves_nothing_on_it(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExternalError, match="no space left"):
        store.put(noise(size))
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "packs").iterdir()) == []


def test_another_store_object_sees_new_packs(tmp_path: Path, store: ObjectStore) -> None:
    assert not store.has(NOWHERE)
    oid = open_store(tmp_path).put(b"written elsewhere")
    assert store.get(oid) == b"written elsewhere"


@pytest.mark.parametrize("content", [b"whole" * 100, noise(300_000)], ids=["whole", "cut"])
def test_get_refuses_bytes_that_changed_on_disk(tmp_path: Path, content: bytes) -> None:
    oid = open_store(tmp_path).put(content)
    (pack,) = (tmp_path / "packs").iterdir()
    pack.chmod(0o600)
    with pack.open("r+b") as file:
        file.seek(40)
        flipped = bytes([file.read(1)[0] ^ 1])
        file.seek(40)
        file.write(flipped)
    with pytest.raises(IntegrityError):
        open_store(tmp_path).get(oid)


@pytest.mark.parametrize("keep", [0, 10, 60, -1])
def test_a_pack_cut_short_is_refused_by_name(tmp_path: Path, keep: int) -> None:
    oid = open_store(tmp_path).put(b"content" * 20)
    (pack,) = (tmp_path / "packs").iterdir()
    pack.write_bytes(pack.read_bytes()[:keep])
    with pytest.raises(IntegrityError, match=pack.name):
        open_store(tmp_path).get(oid)


def test_a_changed_index_is_refused(tmp_path: Path) -> None:
    oid = open_store(tmp_path).put(b"content" * 20)
    (pack,) = (tmp_path / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[-70] ^= 1
    pack.write_bytes(data)
    with pytest.raises(IntegrityError, match="index"):
        open_store(tmp_path).get(oid)


def test_ids_are_found_by_prefix(store: ObjectStore) -> None:
    oids = sorted(store.put(str(i).encode()) for i in range(50))
    for oid in oids:
        for length in (4, 5, 64):
            expected = [one for one in oids if one.startswith(oid[:length])]
            assert store.find(oid[:length]) == expected
    assert store.find("") == oids


def test_kinds_are_listed_apart(store: ObjectStore) -> None:
    blob, run = store.put(b"blob"), store.put(b"run", Kind.RUN)
    assert list(store.each(Kind.BLOB)) == [blob]
    assert list(store.each(Kind.RUN)) == [run]


def test_a_record_is_listed_though_its_bytes_were_put_as_a_blob_before(store: ObjectStore) -> None:
    oid = store.put(b"same bytes")
    assert store.put(b"same bytes", Kind.RUN) == oid
    assert list(store.each(Kind.RUN)) == [oid]


def test_lookups_in_bulk_find_the_same_as_single_ones(store: ObjectStore) -> None:
    oids = []
    for start in range(3):
        with store.writer() as writer:
            oids += [writer.put(f"{start} {i}".encode()) for i in range(400)]
    assert all(store.has(oid) for oid in oids)
    assert [store.get(oid) for oid in oids[:5]] == [f"0 {i}".encode() for i in range(5)]
    assert not store.has(NOWHERE)


def test_small_packs_are_merged_and_lose_nothing(tmp_path: Path, store: ObjectStore) -> None:
    reader = open_store(tmp_path)
    contents = [f"content {i}".encode() for i in range(3 * tidy.TOO_MANY)]
    oids = []
    for content in contents:
        oids.append(store.put(content))
        assert reader.has(oids[-1])
    assert len(list((tmp_path / "packs").iterdir())) <= tidy.TOO_MANY + 1
    assert [reader.get(oid) for oid in oids] == contents
    assert [open_store(tmp_path).get(oid) for oid in oids] == contents


def test_a_pack_that_outweighs_the_others_is_not_copied_with_them(
    tmp_path: Path, store: ObjectStore
) -> None:
    with store.writer() as writer:
        for _ in range(400):
            writer.put(os.urandom(200))
    (heavy,) = store.packs()
    oids = [store.put(f"content {i}".encode()) for i in range(3 * tidy.TOO_MANY)]
    assert heavy in store.packs()
    assert len(store.packs()) <= tidy.TOO_MANY + 1
    assert all(open_store(tmp_path).has(oid) for oid in oids)


def test_no_more_objects_are_merged_at_once_than_memory_is_for(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidy, "_MOST_OBJECTS", 10)
    contents = [f"content {i}".encode() for i in range(tidy.TOO_MANY + 1)]
    oids = [store.put(content) for content in contents]
    packs = store.packs().values()
    assert max(pack.index.count for pack in packs) == 10
    assert len(packs) == -(-len(contents) // 10)
    assert [store.get(oid) for oid in oids] == contents


def test_what_killed_writers_left_is_swept_after_a_day(tmp_path: Path, store: ObjectStore) -> None:
    old, young = tmp_path / "tmp" / "pack-1-old", tmp_path / "tmp" / "pack-2-young"
    for path in (old, young):
        path.write_text("half a pack")
    (tmp_path / "tmp" / "push-origin").mkdir()
    for path in (old, tmp_path / "tmp" / "push-origin"):
        os.utime(path, (1, 1))
    for number in range(tidy.TOO_MANY + 1):
        store.put(str(number).encode())
    left = {path.name for path in (tmp_path / "tmp").iterdir()}
    assert left == {"pack-2-young", "tidy.lock"}


def test_threads_may_write_and_read_at_once(store: ObjectStore) -> None:
    def work(number: int) -> None:
        for i in range(20):
            content = f"{number} {i % 7}".encode() * 50
            assert store.get(store.put(content)) == content

    assert in_threads(work, 4) == []


WRITER = """
import sys
from pathlib import Path
from blake3 import blake3
from mlops_cli.core.objects import ObjectStore

folder = Path(sys.argv[1])
store = ObjectStore(folder / "packs", folder / "tmp")
for i in range(1_000_000):
    with store.writer() as writer:
        oids = [writer.put(blake3(b"%d %d" % (i, j)).digest(length=3000 * j)) for j in range(40)]
    print(" ".join(oids), flush=True)
"""


@pytest.mark.parametrize("after_packs", [1, 5, 40])
def test_a_killed_writer_loses_nothing_it_had_finished(tmp_path: Path, after_packs: int) -> None:
    open_store(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    finished = [process.stdout.readline().split() for _ in range(after_packs)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    store = open_store(tmp_path)
    for line in finished:
        for oid in line:
            assert object_id(store.get(ObjectId(oid))) == oid
    for kind in (Kind.BLOB, Kind.CHUNK):
        for oid in store.each(kind):
            store.get(oid)


def _chunk_against(store: ObjectStore, base: bytes, content: bytes) -> ObjectId:
    """Store `content` as a delta against `base`, which is here in whatever form."""
    payload = delta.encode(content, (blake3(base).digest(), base))
    assert payload is not None
    oid = object_id(content)
    with store.writer() as writer:
        entry = Entry(0, len(payload), len(content), Kind.CHUNK, Codec.DELTA)
        writer.put_stored(oid, entry, payload)
    return oid


def test_a_base_that_another_clone_stored_as_a_delta_is_read(store: ObjectStore) -> None:
    first, second, third = (noise(20_000)[:-8] + noise(8, seed) for seed in (1, 2, 3))
    store.put(first, Kind.CHUNK)
    _chunk_against(store, first, second)
    oid = _chunk_against(store, second, third)
    assert store.get(oid) == third


def test_deltas_that_are_told_against_each_other_are_refused(store: ObjectStore) -> None:
    one, other = (noise(20_000)[:-8] + noise(8, seed) for seed in (1, 2))
    _chunk_against(store, one, other)
    oid = _chunk_against(store, other, one)
    with pytest.raises(IntegrityError):
        store.get(oid)


def test_of_two_forms_a_merge_keeps_the_one_that_stands_alone(
    tmp_path: Path, store: ObjectStore
) -> None:
    first, second = (noise(20_000)[:-8] + noise(8, seed) for seed in (1, 2))
    oid = _chunk_against(store, first, second)
    other = open_store(tmp_path / "other")
    other.put(second, Kind.CHUNK)
    for path in (tmp_path / "other/packs").iterdir():
        path.rename(tmp_path / "packs" / path.name)
    store.refresh()
    packs = [store.pack(name) for name in store.indexes()]
    tidy.merge(packs, tmp_path / "packs", tmp_path / "tmp")
    assert open_store(tmp_path).get(oid) == second
