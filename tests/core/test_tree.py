"""Trees decode to what was encoded, and hostile ones are refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.tree import Entry, Mode
from mlops_cli.errors import IntegrityError

OID = object_id(b"x")
names = (
    st.binary(min_size=1, max_size=20)
    .filter(lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b".."))
    .filter(lambda name: name.lower() not in tree.CLOSED)
    .map(lambda name: name.decode("utf-8", "surrogateescape"))
)
entries = st.builds(Entry, names, st.sampled_from(Mode), st.integers(0, 2**63), st.just(OID))


@given(st.lists(entries, unique_by=lambda entry: entry.name))
def test_decode_returns_what_was_encoded_in_the_order_of_bytes(found: list[Entry]) -> None:
    decoded = tree.decode(tree.encode(found))
    assert {entry.name: entry for entry in decoded} == {entry.name: entry for entry in found}
    raw = [entry.name.encode("utf-8", "surrogateescape") for entry in decoded]
    assert raw == sorted(raw)
    assert tree.encode(decoded) == tree.encode(reversed(found))


def row(name: bytes, mode: int = 1) -> bytes:
    return struct.pack("<BQ32sH", mode, 1, bytes.fromhex(OID), len(name)) + name


@pytest.mark.parametrize(
    "body",
    [
        row(b".."),
        row(b"."),
        row(b"a/b"),
        row(b"a\0b"),
        row(b".git"),
        row(b".GiT"),
        row(b".mlo"),
        row(b""),
        row(b"b") + row(b"a"),
        row(b"a") + row(b"a"),
        row(b"a", mode=9),
        row(b"a")[:-1],
        row(b"abc")[:20],
    ],
    ids=[
        "up",
        "here",
        "slash",
        "nul",
        "git",
        "git in any case",
        "mlo",
        "empty",
        "order",
        "twice",
        "mode",
        "cut",
        "cut row",
    ],
)
def test_a_hostile_tree_is_refused(body: bytes) -> None:
    with pytest.raises(IntegrityError):
        tree.decode(tree.HEADER + body)


def test_other_bytes_are_no_tree() -> None:
    with pytest.raises(IntegrityError, match="is none"):
        tree.decode(b"hello")


def test_walk_names_a_folder_before_what_it_holds() -> None:
    inner = tree.encode([Entry("b", Mode.FILE, 1, OID)])
    outer = tree.encode(
        [Entry("a", Mode.FOLDER, 1, object_id(inner)), Entry("z", Mode.FILE, 1, OID)]
    )
    stored = {object_id(inner): inner, object_id(outer): outer}

    class Objects:
        def get(self, oid: ObjectId) -> bytes:
            return stored[oid]

    assert [path for path, _ in tree.walk(Objects(), object_id(outer))] == ["a", "a/b", "z"]


class Kept:
    """Trees in memory."""

    def __init__(self) -> None:
        self.by_id: dict[ObjectId, bytes] = {}

    def get(self, oid: ObjectId) -> bytes:
        return self.by_id[oid]

    def put(self, *found: Entry) -> ObjectId:
        data = tree.encode(found)
        self.by_id[object_id(data)] = data
        return object_id(data)

    def tower(self, levels: int, *names: str) -> ObjectId:
        """Return a tree that holds, under each name, one that does the same a level lower."""
        top = self.put(Entry("file", Mode.FILE, 1, OID))
        for _ in range(levels - 1):
            top = self.put(*(Entry(name, Mode.FOLDER, 1, top) for name in names))
        return top


def test_walk_refuses_trees_that_hold_each_other_without_end() -> None:
    kept = Kept()
    with pytest.raises(IntegrityError, match="times over"):
        next(tree.walk(kept, kept.tower(60, "a", "b")))


def test_walk_goes_as_deep_as_may_be_and_no_deeper() -> None:
    kept = Kept()
    assert len(list(tree.walk(kept, kept.tower(tree.MOST_NESTED, "a")))) == tree.MOST_NESTED
    with pytest.raises(IntegrityError, match="nested"):
        next(tree.walk(kept, kept.tower(5_000, "a")))
