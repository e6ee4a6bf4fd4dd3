"""Objects that lie close together in a pack are read at once."""

from collections.abc import Iterable

from mlops_cli.core.records import dataclass
from mlops_cli.remotes.catalogue import Place

_GAP_BYTES = 64 * 1024
_SPAN_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """A range of one key, and the objects in it by their 32-byte ids."""

    key: str
    start: int
    length: int
    places: tuple[tuple[bytes, Place], ...]

    def payload(self, data: bytes, place: Place) -> bytes:
        """Return an object's stored bytes, of `data`, those of the span."""
        start = place.entry.offset - self.start
        return data[start : start + place.entry.stored]


def spans(places: Iterable[tuple[bytes, Place]]) -> list[Span]:
    """Group objects into ranges of at most 8 MiB; gaps of up to 64 KiB are read over."""
    rows = sorted(places, key=lambda row: (row[1].key, row[1].entry.offset))
    groups: list[list[tuple[bytes, Place]]] = []
    key, start, end = "", 0, 0
    for row in rows:
        place = row[1]
        offset, stored = place.entry.offset, place.entry.stored
        near = place.key == key and offset - end <= _GAP_BYTES
        if not near or offset + stored - start > _SPAN_BYTES:
            groups.append([])
            key, start = place.key, offset
        groups[-1].append(row)
        end = offset + stored
    return [_span(group) for group in groups]


def _span(group: list[tuple[bytes, Place]]) -> Span:
    start = group[0][1].entry.offset
    end = max(place.entry.offset + place.entry.stored for _, place in group)
    return Span(group[0][1].key, start, end - start, tuple(group))
