"""What a segment says of its own end, in one place behind its head that is written twice.

As a segment begins its seal is open. Whoever is done with it writes into the same place how many
predictions it has, how many numbers were given out, and how long it is. So a segment that was cut
later is known to be, one whose seal is open and that nobody writes lost its writer, and a number
that nobody was ever given is told from one that is lost.
`docs/design/format.md` specifies the bytes.
"""

import struct
import zlib

from mlops_cli.core.records import dataclass

_MAGIC = b"MLOP"
_KIND = 2
_FIELDS = struct.Struct("<4sBBHIIIQQqqI")
_CHECK = struct.Struct("<I")
SEAL_BYTES = _FIELDS.size + _CHECK.size
"""As many as a frame has before what follows; nothing follows."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What is known of a segment's end.

    Attributes:
        closed: whether its writer was done with it; else the numbers say nothing.
        rows: the predictions in it.
        given: numbers below this were given out, and no others.
        size: the bytes of the file; more may follow, of answers that came late.
        closed_us: when that was.
    """

    closed: bool = False
    rows: int = 0
    given: int = 0
    size: int = 0
    closed_us: int = 0

    def encoded(self, seed: int) -> bytes:
        """Return its bytes in a segment whose frames are checked with `seed`."""
        fields = _FIELDS.pack(
            _MAGIC, _KIND, self.closed, 0, 0, 0, self.rows, self.given, self.size,
            self.closed_us, 0, 0,
        )  # fmt: skip
        return fields + _CHECK.pack(zlib.crc32(fields, seed))


OPEN = Seal()


def parsed(data: bytes, seed: int) -> Seal | None:
    """Return the seal that these bytes are; None if they are none, or damaged."""
    if len(data) != SEAL_BYTES:
        return None
    fields = data[: _FIELDS.size]
    magic, kind, closed, _, _, _, rows, given, size, closed_us, _, _ = _FIELDS.unpack(fields)
    (check,) = _CHECK.unpack(data[_FIELDS.size :])
    if magic != _MAGIC or kind != _KIND or closed > 1 or check != zlib.crc32(fields, seed):
        return None
    return Seal(bool(closed), rows, given, size, closed_us)
