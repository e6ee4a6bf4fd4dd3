"""The tree: an object that lists what is in one folder."""

import os
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from operator import lt
from typing import NamedTuple, Protocol, cast

from mlops_cli.core.ids import ObjectId
from mlops_cli.errors import IntegrityError

HEADER = b"mlo tree 1\n"
_ROW = struct.Struct("<BQ32sH")
_MAX_NAME = 4096
_MANY = 1_000_000
_MOST_REPEATED = 1_000
"""No tree of many entries lists each entry more often than this, except to do harm."""

MOST_NESTED = 256
"""How many folders may lie within each other."""

CLOSED = frozenset({b".git", b".mlo"})
"""Names, in any case, that no version may hold: what is there would be run or believed."""


_REFUSED = CLOSED | {b".", b".."}
_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class Mode(IntEnum):
    """What an entry is."""

    FILE = 1
    EXECUTABLE = 2
    SYMLINK = 3
    """The content is the link's target."""
    FOLDER = 4
    """The id is that of another tree."""


_MODES = {int(mode): mode for mode in Mode}


class Entry(NamedTuple):
    """One name in a folder.

    `size` is in bytes; of a folder it is the sum of all files below it.
    """

    name: str
    mode: Mode
    size: int
    oid: ObjectId


def encode(entries: Iterable[Entry]) -> bytes:
    """Return the bytes of a tree; entries may come in any order, names must differ."""
    return encode_rows(
        [(os.fsencode(name), mode, size, bytes.fromhex(oid)) for name, mode, size, oid in entries]
    )


Row = tuple[bytes, Mode, int, bytes]
"""The same as an `Entry`, as it is stored: name, mode, size, 32-byte id."""


def encode_rows(rows: Iterable[Row]) -> bytes:
    """Return the bytes of a tree of such rows."""
    pack = _ROW.pack
    return HEADER + b"".join(
        [pack(mode, size, key, len(name)) + name for name, mode, size, key in sorted(rows)]
    )


def decode(data: bytes) -> list[Entry]:
    """Return the entries of a tree, sorted by the bytes of their names.

    Raises:
        IntegrityError: the bytes are no tree, or a name could leave the folder, or two
            names are equal or out of order.
    """
    return _entries(decode_rows(data))


def _entries(rows: Sequence[Row]) -> list[Entry]:
    names = b"/".join([row[0] for row in rows]).decode(_ENCODING, _ERRORS).split("/")
    return [
        Entry(name, mode, size, cast(ObjectId, key.hex()))
        for name, (_, mode, size, key) in zip(names, rows, strict=False)
    ]


def decode_rows(data: bytes) -> list[Row]:
    """Return the same as rows, which `encode_rows` takes.

    Raises:
        IntegrityError: as of `decode`.
    """
    if not data.startswith(HEADER):
        raise IntegrityError("an object that should be a tree is none")
    rows: list[Row] = []
    at, end = len(HEADER), len(data)
    unpack, width, modes = _ROW.unpack_from, _ROW.size, _MODES
    try:
        while at < end:
            mode, size, key, length = unpack(data, at)
            start = at + width
            at = start + length
            rows.append((data[start:at], modes[mode], size, key))
    except (struct.error, KeyError) as error:
        raise IntegrityError(f"a tree is malformed: {error}") from error
    if at != end:
        raise IntegrityError("a tree holds a name of the wrong length")
    _check_names([row[0] for row in rows])
    return rows


def _check_names(names: list[bytes]) -> None:
    """Refuse names that could leave their folder, or are out of order; all in one look."""
    joined = b"/".join(names)
    if (
        joined.count(b"/") > max(0, len(names) - 1)
        or b"\0" in joined
        or not all(map(lt, names, names[1:]))
        or b"" in names[:1]
        or max(map(len, names), default=0) > _MAX_NAME
        or not _REFUSED.isdisjoint(joined.lower().split(b"/"))
    ):
        for name in names:
            _refuse_name(name)
        raise IntegrityError("a tree's names are not in order")


Held = Mapping[ObjectId, list[Entry]]
"""The entries of trees by their ids."""


class _Objects(Protocol):
    def get(self, oid: ObjectId) -> bytes:
        """Return the content of an object."""


def walk(objects: _Objects, oid: ObjectId, prefix: str = "") -> Iterator[tuple[str, Entry]]:
    """Yield the path, below the tree's folder, and the entry of all that is in a tree.

    A folder comes before what it holds.

    Raises:
        IntegrityError: the tree is nested too deeply, or a few trees hold each other so often
            that they would fill any disk; nothing has been yielded then.
    """
    yield from walk_held(below(objects, oid), oid, prefix)


def walk_held(held: Held, oid: ObjectId, prefix: str = "") -> Iterator[tuple[str, Entry]]:
    """Yield the same of trees that were read."""
    for entry in held[oid]:
        path = prefix + entry.name
        yield path, entry
        if entry.mode is Mode.FOLDER:
            yield from walk_held(held, entry.oid, path + "/")


def below(objects: _Objects, oid: ObjectId) -> Held:
    """Return the entries of a tree and of each tree below it.

    Raises:
        IntegrityError: as of `walk`.
    """
    held = rows_below(objects, bytes.fromhex(oid))
    return {ObjectId(key.hex()): _entries(rows) for key, rows in held.items()}


def rows_below(objects: _Objects, root: bytes) -> dict[bytes, list[Row]]:
    """Return the rows of a tree and of each tree below it, those below first, by 32-byte ids.

    Raises:
        IntegrityError: as of `walk`.
    """
    found: dict[bytes, list[Row]] = {}
    folders: dict[bytes, list[bytes]] = {}
    """The trees that lie in each, those below first."""
    waiting = [(root, False)]
    while waiting:
        key, done = waiting.pop()
        if done:
            folders[key] = [below for _, mode, _, below in found[key] if mode is Mode.FOLDER]
        elif key not in found:
            found[key] = decode_rows(objects.get(ObjectId(key.hex())))
            waiting.append((key, True))
            waiting += [(below, False) for _, mode, _, below in found[key] if mode is Mode.FOLDER]
    held = {key: found[key] for key in folders}
    _refuse_bomb(held, folders, root)
    return held


def _refuse_bomb(
    held: Mapping[bytes, list[Row]], folders: Mapping[bytes, list[bytes]], root: bytes
) -> None:
    counts: dict[bytes, int] = {}
    depths: dict[bytes, int] = {}
    for key, below in folders.items():
        counts[key] = len(held[key]) + sum(counts[one] for one in below)
        depths[key] = 1 + max((depths[one] for one in below), default=0)
    if depths[root] > MOST_NESTED:
        raise IntegrityError(f"tree {root.hex()} has folders nested {depths[root]} deep")
    listed = sum(map(len, held.values()))
    if counts[root] > _MANY and counts[root] > _MOST_REPEATED * listed:
        raise IntegrityError(
            f"tree {root.hex()} lists the same {listed} entries {counts[root] // listed} times over"
        )


def _refuse_name(name: bytes) -> None:
    if not 0 < len(name) <= _MAX_NAME:
        raise IntegrityError("a tree holds a name of the wrong length")
    if name in (b".", b"..") or b"/" in name or b"\0" in name:
        raise IntegrityError(f"a tree holds the name {name!r}, which could leave the folder")
    if name.lower() in CLOSED:
        raise IntegrityError(f"a tree holds the name {name!r}, which belongs to git or mlo")
