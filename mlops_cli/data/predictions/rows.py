"""The rows of a segment side by side, some thousands at a time, in either format of the log."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.records import dataclass, replace
from mlops_cli.data.predictions import block, lines
from mlops_cli.data.predictions.block import Cells, Content, Damaged
from mlops_cli.data.predictions.seal import Seal
from mlops_cli.data.predictions.segment import (
    SUFFIX,
    DamagedHead,
    Frame,
    Head,
    Segment,
    Source,
    Tally,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOREVER_US = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rows:
    """Predictions of one segment side by side, in the order of their numbers.

    Attributes:
        source: who answered.
        columns: values by name; of columns that are redacted there are none.
        shares: shape (rows, classes); None for a model without.
        requests, keys: what came with the requests; None where none did.
        labels: what turned out to be true, by prediction; null where that is not known. None
            when nobody asked for them.
        labelled_us: when that was said, 0 where it was not.
    """

    segment: str
    source: Source
    numbers: "NDArray[np.int64]"
    times_us: "NDArray[np.int64]"
    columns: dict[str, Cells]
    predictions: Cells
    shares: "NDArray[np.float64] | None"
    requests: Cells | None = None
    keys: Cells | None = None
    labels: Cells | None = None
    labelled_us: "NDArray[np.int64] | None" = None
    hashed: tuple[str, ...] = ()
    """Columns of which there are only hashes."""

    def __len__(self) -> int:
        return len(self.numbers)

    def id(self, row: int) -> str:
        """Return the id of a prediction by its place here."""
        return f"{self.segment}-{self.numbers[row]}"

    def take(self, chosen: "NDArray[Any]") -> "Rows":
        """Return some of the rows, by a mask or by their places."""

        def some(cells: Cells | None) -> Cells | None:
            return None if cells is None else cells.take(chosen)

        return replace(
            self,
            numbers=self.numbers[chosen],
            times_us=self.times_us[chosen],
            columns={name: cells.take(chosen) for name, cells in self.columns.items()},
            predictions=self.predictions.take(chosen),
            shares=None if self.shares is None else self.shares[chosen],
            requests=some(self.requests),
            keys=some(self.keys),
            labels=some(self.labels),
            labelled_us=None if self.labelled_us is None else self.labelled_us[chosen],
        )

    def between(self, first_us: int, end_us: int) -> "Rows":
        """Return the rows from one moment on, before another."""
        inside = (self.times_us >= first_us) & (self.times_us < end_us)
        return self if inside.all() else self.take(inside)


def head(path: Path) -> Head | None:
    """Return what the beginning of a segment says; None while it is being made.

    Raises:
        DamagedHead: it is damaged.
        IntegrityError: it is of a format that is not known here.
    """
    if path.suffix != SUFFIX:
        return lines.head(path)
    with Segment.opened(path) as segment:
        return None if segment is None else segment.head


def seal(path: Path) -> Seal | None:
    """Return what a segment says of its end; None where it says nothing, or that is damaged."""
    if path.suffix != SUFFIX:
        return None
    with Segment.opened(path) as segment:
        return None if segment is None else segment.seal


def readable_head(path: Path, tally: Tally) -> Head | None:
    """Return what `head` does; None for one that is damaged too, which goes to `tally`."""
    try:
        return head(path)
    except DamagedHead:
        tally.add(path)
        return None


def of(path: Path, tally: Tally, *, first_us: int = 0, end_us: int = FOREVER_US) -> Iterator[Rows]:
    """Yield the rows of a segment from one moment on, before another; damage goes to `tally`."""
    if path.suffix != SUFFIX:
        for part in _of_lines(path):
            if len(inside := part.between(first_us, end_us)):
                yield inside
        return
    with Segment.opened(path) as segment:
        if segment is None:
            return
        for frame in segment.frames(tally):
            if frame.newest_us < first_us or frame.oldest_us >= end_us:
                continue
            found = read(segment, frame, tally)
            if found is not None and len(inside := found.between(first_us, end_us)):
                yield inside


def read(segment: Segment, frame: Frame, tally: Tally) -> Rows | None:
    """Return the rows of a frame, None if it is damaged, which goes to `tally`."""
    content = _content(segment, frame)
    if content is None:
        tally.add(segment.path, frame.rows)
        return None
    head = segment.head
    return Rows(
        head.segment,
        head.source,
        content.numbers,
        content.times_us,
        dict(zip(head.columns, content.columns, strict=True)),
        content.predictions,
        content.shares,
        content.requests,
        content.keys,
        hashed=head.hashed,
    )


def _content(segment: Segment, frame: Frame) -> Content | None:
    payload = segment.payload(frame)
    if payload is None:
        return None
    try:
        return block.decode(payload, frame.rows, columns=len(segment.head.columns))
    except Damaged:
        return None


def _of_lines(path: Path) -> Iterator[Rows]:
    import numpy as np

    found = lines.head(path)
    for part in lines.parts(path):
        numbers, times, values, predictions, shares = zip(*part, strict=True)
        rows = len(part)
        by_column = [list(column) for column in zip(*values, strict=True)]
        known = found.source.classes and shares[0] is not None
        yield Rows(
            found.segment,
            found.source,
            np.array(numbers, dtype=np.int64),
            np.array(times, dtype=np.int64),
            {
                name: block.of_values(column)
                for name, column in zip(found.source.columns, by_column, strict=True)
            },
            block.of_values(list(predictions)),
            np.array(shares, dtype=np.float64).reshape(rows, -1) if known else None,
        )
