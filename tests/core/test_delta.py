"""An edited file costs what was edited, reads back equal, and depends on one base at most."""

import random
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_cli.core import delta
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import Kind, ObjectStore
from mlops_cli.core.packs import Codec, as_id
from mlops_cli.errors import IntegrityError, MissingObject


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    for name in ("packs", "tmp"):
        (tmp_path / name).mkdir()
    return ObjectStore(tmp_path / "packs", tmp_path / "tmp")


def table(rows: int, seed: int = 0) -> list[bytes]:
    chance = random.Random(seed)
    return [b"%d,%.9f,%.9f\n" % (n, chance.random(), chance.random()) for n in range(rows)]


def scattered(rows: list[bytes], seed: int, share: float = 0.002) -> list[bytes]:
    chance = random.Random(seed)
    changed = list(rows)
    for at in chance.sample(range(len(rows)), int(len(rows) * share)):
        changed[at] = b"%d,%.9f,%.9f\n" % (at, chance.random(), chance.random())
    return changed


def put(store: ObjectStore, folder: Path, content: bytes, like: ObjectId | None) -> ObjectId:
    (folder / "file").write_bytes(content)
    with store.writer() as writer, (folder / "file").open("rb") as file:
        return as_id(writer.put_handle(file.fileno(), len(content), like=like)[0])


def stored_bytes(store: ObjectStore) -> int:
    return sum(
        index.entry(at).stored for index in store.indexes().values() for at in range(index.count)
    )


def test_scattered_edits_cost_about_what_they_changed(store: ObjectStore, tmp_path: Path) -> None:
    rows = table(100_000)
    first = put(store, tmp_path, b"".join(rows), None)
    before = stored_bytes(store)
    edited = b"".join(scattered(rows, 1))
    second = put(store, tmp_path, edited, first)
    grown = stored_bytes(store) - before
    assert grown < 40_000  # 200 rows of 30 bytes, and a list of some 50 chunks
    assert store.get(second) == edited


def test_a_base_is_never_a_delta_however_long_the_history(
    store: ObjectStore, tmp_path: Path
) -> None:
    rows = table(20_000)
    like = put(store, tmp_path, b"".join(rows), None)
    for seed in range(5):
        rows = scattered(rows, seed)
        like = put(store, tmp_path, b"".join(rows), like)
        assert store.get(like) == b"".join(rows)
    codecs = {key: store.stored(key)[1].codec for key in store.each(Kind.CHUNK)}
    told = [key for key, how in codecs.items() if how is Codec.DELTA]
    assert told
    for key in told:
        (base,) = store.needs(key)
        assert codecs[base] is not Codec.DELTA


def test_rows_put_in_the_middle_do_not_spoil_what_follows(
    store: ObjectStore, tmp_path: Path
) -> None:
    rows = table(50_000)
    like = put(store, tmp_path, b"".join(rows), None)
    before = stored_bytes(store)
    changed = scattered(rows, 3)
    changed[20_000:20_000] = table(100, seed=9)
    second = put(store, tmp_path, b"".join(changed), like)
    assert stored_bytes(store) - before < 60_000
    assert store.get(second) == b"".join(changed)


def test_what_has_nothing_in_common_is_stored_as_it_is(store: ObjectStore, tmp_path: Path) -> None:
    first = put(store, tmp_path, blake3(b"1").digest(length=3_000_000), None)
    second = put(store, tmp_path, blake3(b"2").digest(length=3_000_000), first)
    assert all(store.stored(key)[1].codec is Codec.RAW for key in store.chunks(second))


def test_a_damaged_forerunner_is_no_base(store: ObjectStore, tmp_path: Path) -> None:
    rows = table(20_000)
    first = put(store, tmp_path, b"".join(rows), None)
    for key in store.chunks(first):
        pack, entry = store.stored(key)
        raw = bytearray(pack.path.read_bytes())
        raw[entry.offset + entry.stored // 2] ^= 1
        pack.path.write_bytes(raw)
    edited = b"".join(scattered(rows, 1, share=0.1))
    second = put(store, tmp_path, edited, first)
    assert store.get(second) == edited


def test_an_earlier_version_that_is_not_here_does_no_harm(
    store: ObjectStore, tmp_path: Path
) -> None:
    content = b"".join(table(10_000))
    assert put(store, tmp_path, content, object_id(b"elsewhere")) == object_id(content)
    small = store.put(b"small")
    assert store.get(put(store, tmp_path, content + b"x", small)) == content + b"x"


def test_a_delta_without_its_base_names_what_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    base, content = b"".join(table(1_000)), b"".join(scattered(table(1_000), 1))
    payload = delta.encode(content, (blake3(base).digest(), base))
    assert payload is not None
    key = blake3(content).digest()
    with store.writer() as writer:
        writer._add(key, payload, len(content), Kind.CHUNK, Codec.DELTA)
    with pytest.raises(MissingObject, match=object_id(base)):
        store.get(as_id(key))
    store.put(base)
    assert store.get(as_id(key)) == content


@pytest.mark.parametrize("harm", ["a base that is a delta", "cut short", "another length"])
def test_a_hostile_delta_is_refused(store: ObjectStore, harm: str) -> None:
    base, content = b"".join(table(1_000)), b"".join(scattered(table(1_000), 1))
    key, base_key = blake3(content).digest(), blake3(base).digest()
    payload = delta.encode(content, (base_key, base))
    assert payload is not None
    store.put(base)
    length = len(content)
    if harm == "a base that is a delta":
        payload = key + payload[32:]
    elif harm == "cut short":
        payload = payload[:20]
    else:
        length = 5
    with store.writer() as writer:
        writer._add(key, payload, length, Kind.CHUNK, Codec.DELTA)
    with pytest.raises(IntegrityError):
        store.get(as_id(key))


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=200, max_size=5_000), st.data())
def test_what_a_delta_tells_is_what_was_there(base: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(base)))
    content = base[:at] + data.draw(st.binary(max_size=20)) + base[at:]
    payload = delta.encode(content, (blake3(base).digest(), base))
    if payload is not None:
        assert delta.base_of(payload) == blake3(base).digest()
        assert delta.decode(payload, base, len(content)) == content
