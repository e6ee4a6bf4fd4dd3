"""Both versions of a table, front to back at once; what they share is read once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from mlops_cli.core.codec import CHUNK_MEAN
from mlops_cli.data.tables.align import align
from mlops_cli.data.tables.opened import Opened
from mlops_cli.data.tables.records import Splitter


class Part(Enum):
    """Which version some records are in."""

    OLD = 0
    NEW = 1
    BOTH = 2


@dataclass(slots=True)
class Walk:
    """Two versions to go through, as often as needed.

    `same_text` says that equal bytes are equal rows. Then, where both versions have the same
    chunk and begin it in the middle of the same record, its records are the same. Nothing is
    assumed of where records begin: this is known, as both are read from the front.
    """

    old: Opened
    new: Opened
    same_text: bool
    steps: list[tuple[bool, bool]] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = list(align(self.old.source.chunks(), self.new.source.chunks()))

    @property
    def length(self) -> int:
        """About how many bytes there are to go through."""
        return len(self.steps) * CHUNK_MEAN

    @property
    def different(self) -> int:
        """About how many bytes are not shared."""
        if not self.same_text:
            return sum(a + b for a, b in self.steps) * CHUNK_MEAN
        return sum(a is not b for a, b in self.steps) * CHUNK_MEAN

    def blocks(self, advance: Callable[[int], None]) -> Iterator[tuple[Part, bytes]]:
        """Yield all records, in blocks of whole ones; `advance` is told bytes, as of `length`.

        Raises:
            RequestError, StateError, IntegrityError: as of the sources and the splitter.
        """
        first, second = self.old.source.pieces(), self.new.source.pieces()
        a = Splitter(self.old.delimiter, self.old.skip)
        b = Splitter(self.new.delimiter, self.new.skip)
        for in_old, in_new in self.steps:
            if in_old and in_new:
                piece = first.take()
                second.skip()
                if self.same_text and a.state == b.state:
                    yield Part.BOTH, a.feed(piece)
                    b.follow(a)
                else:
                    yield Part.OLD, a.feed(piece)
                    yield Part.NEW, b.feed(piece)
            elif in_old:
                yield Part.OLD, a.feed(first.take())
            else:
                yield Part.NEW, b.feed(second.take())
            advance(CHUNK_MEAN)
        if self.same_text and a.state == b.state:
            yield Part.BOTH, a.end()
        else:
            yield Part.OLD, a.end()
            yield Part.NEW, b.end()
