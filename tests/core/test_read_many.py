"""Many objects are looked up and read at once, each checked, in any order."""

from pathlib import Path

import pytest

from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.packs import Codec
from mlops_cli.errors import IntegrityError, MissingObject
from tests.conftest import noise

MANY = 700


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    for name in ("packs", "tmp"):
        (tmp_path / name).mkdir()
    return ObjectStore(tmp_path / "packs", tmp_path / "tmp")


def content(number: int) -> bytes:
    """Return what is stored raw, or as a frame, or is empty."""
    return (noise(3_000 + number, number), b"text " * number, b"")[number % 3]


@pytest.fixture
def oids(store: ObjectStore) -> list[ObjectId]:
    """Return the ids of objects in two packs."""
    found = []
    for part in (range(MANY // 2), range(MANY // 2, MANY)):
        with store.writer() as writer:
            found += [writer.put(content(number)) for number in part]
    return found


@pytest.mark.parametrize("step", [1, -1, 3])
def test_each_comes_in_the_order_in_which_it_was_asked_for(
    store: ObjectStore, oids: list[ObjectId], step: int
) -> None:
    found = [bytes(one or b"") for one in store.contents(oids[::step])]
    assert found == [content(number) for number in range(MANY)][::step]


def test_one_that_is_not_here_is_named(store: ObjectStore, oids: list[ObjectId]) -> None:
    elsewhere = object_id(b"elsewhere")
    assert store.absent([*oids, elsewhere]) == {bytes.fromhex(elsewhere)}
    assert store.absent([oids[0], elsewhere]) == {bytes.fromhex(elsewhere)}
    with pytest.raises(MissingObject):
        list(store.contents([*oids, elsewhere]))


def test_what_is_stored_as_chunks_is_left_to_who_asked(
    store: ObjectStore, oids: list[ObjectId]
) -> None:
    large = store.put(noise(300_000, 1))
    assert list(store.contents([large])) == [None]
    assert bytes(list(store.contents([oids[0], large, oids[1]]))[2] or b"") == content(1)


def test_what_another_process_puts_is_found(store: ObjectStore, oids: list[ObjectId]) -> None:
    other = ObjectStore(store.pack(next(iter(store.packs()))).path.parent, Path("/nowhere"))
    assert other.absent(oids) == set()
    new = store.put(b"new")
    assert other.absent([*oids, new]) == set()
    assert [bytes(one or b"") for one in other.contents([*oids, new])][-1] == b"new"


def test_a_flipped_bit_is_noticed(store: ObjectStore, oids: list[ObjectId]) -> None:
    pack, entry = store.stored(oids[300])
    assert entry.codec is Codec.RAW
    pack.path.chmod(0o600)
    with pack.path.open("r+b") as file:
        file.seek(entry.offset + 5)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(IntegrityError, match=oids[300]):
        list(store.contents(oids))
