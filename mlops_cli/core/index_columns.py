"""What the index of a pack will hold, as it gathers."""

import struct
from array import array

from mlops_cli.core.packs import Codec, Entry, Index, Kind


class Columns:
    """What an index will hold, as it gathers: a row for each object."""

    __slots__ = ("codecs", "keys", "kinds", "lengths", "offsets", "stored")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.offsets = array("Q")
        self.lengths = array("Q")
        self.stored = array("I")
        self.kinds = bytearray()
        self.codecs = bytearray()

    def add(self, key: bytes, entry: Entry) -> None:
        """Add a row."""
        self.put(key, entry.offset, entry.length, entry.stored, entry.kind, entry.codec)

    def put(
        self, key: bytes, offset: int, length: int, stored: int, kind: Kind, codec: Codec
    ) -> None:
        """Add a row from its parts."""
        self.keys.append(key)
        self.offsets.append(offset)
        self.lengths.append(length)
        self.stored.append(stored)
        self.kinds.append(kind)
        self.codecs.append(codec)

    def index(self) -> Index:
        """Return the index of these rows, sorted."""
        count = len(self.keys)
        order = sorted(range(count), key=self.keys.__getitem__)
        raw = b"".join(
            (
                b"".join([self.keys[at] for at in order]),
                struct.pack(f"<{count}Q", *[self.offsets[at] for at in order]),
                struct.pack(f"<{count}Q", *[self.lengths[at] for at in order]),
                struct.pack(f"<{count}I", *[self.stored[at] for at in order]),
                bytes([self.kinds[at] for at in order]),
                bytes([self.codecs[at] for at in order]),
            )
        )
        return Index(raw, count)
