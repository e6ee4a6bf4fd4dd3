"""Answers on their way to the log, and the frames that they become.

All of it runs beside the answering of requests, and shares the interpreter with it. So work is
done in pieces of less than half a millisecond, and after each whoever waits for the interpreter
has it; with smaller ones the handing over costs more than the work.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from mlops_cli.data.predictions import block
from mlops_cli.data.predictions.segment import Head, rows_frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_ROWS = 4096
_PIECE_VALUES = 10_000
_each = chain.from_iterable
Column = Sequence[Any]
Hashed = Callable[[Any], str]


class Answered(NamedTuple):  # a frozen dataclass takes three times as long to make
    """What one ticket is for, as it was handed over; `chosen` are the rows to keep, if not all."""

    first: int
    time_us: int
    columns: Sequence[Column]
    predictions: Sequence[Any]
    shares: Sequence[Sequence[float]] | None
    requests: Sequence[str | None] | None = None
    keys: Sequence[str | None] | None = None
    chosen: tuple[int, ...] | None = None

    @property
    def rows(self) -> int:
        """How many rows are to be kept."""
        return len(self.predictions) if self.chosen is None else len(self.chosen)

    def of_chosen(self) -> "tuple[list[int], Answered]":
        """Return the numbers of the rows to keep, and only these rows."""
        if self.chosen is None:
            return list(range(self.first, self.first + len(self.predictions))), self
        rows = self.chosen

        def picked(values: Sequence[Any]) -> list[Any]:
            return [values[row] for row in rows]

        return [self.first + row for row in rows], Answered(
            self.first,
            self.time_us,
            [picked(column) for column in self.columns],
            picked(self.predictions),
            None if self.shares is None else picked(self.shares),
            None if self.requests is None else picked(self.requests),
            None if self.keys is None else picked(self.keys),
        )


def frames(
    head: Head, answered: Sequence[Answered], *, hashes: Hashed
) -> Iterator[tuple[bytes, int]]:
    """Yield the frames of some answers, in order, and the number of rows in each."""
    part: list[Answered] = []
    rows = 0
    for one in answered:
        if part and rows + one.rows > BLOCK_ROWS:
            yield _frame(head, part, hashes), rows
            part, rows = [], 0
        part.append(one)
        rows += one.rows
    if rows:
        yield _frame(head, part, hashes), rows


def _frame(head: Head, part: Sequence[Answered], hashes: Hashed) -> bytes:
    import numpy as np

    numbered = [one.of_chosen() for one in part]
    kept = [one for _, one in numbered]
    numbers = np.array(list(_each([numbers for numbers, _ in numbered])), dtype=np.int64)
    counts = [len(one.predictions) for one in kept]
    times = np.repeat(np.array([one.time_us for one in kept], dtype=np.int64), counts)
    payload = block.encode(
        numbers,
        times,
        _columns(head, kept, hashes),
        list(_each([one.predictions for one in kept])),
        _shares(head, kept),
        _texts([one.requests for one in kept], counts),
        _texts([one.keys for one in kept], counts),
    )
    return rows_frame(
        payload,
        seed=head.seed,
        rows=len(numbers),
        numbers=(int(numbers[0]), int(numbers[-1])),
        times=(int(times.min()), int(times.max())),
    )


def _columns(head: Head, part: Sequence[Answered], hashes: Hashed) -> list[tuple[int, bytes]]:
    places = {name: place for place, name in enumerate(head.source.columns)}
    if head.columns == head.source.columns and not head.hashed and head.columns:
        found = _all_floats(part, len(head.columns))
        if found is not None:
            return block.matrix(found)
    return [_column(head, name, places, part, hashes) for name in head.columns]


def _column(
    head: Head,
    name: str,
    places: Mapping[str, int],
    part: Sequence[Answered],
    hashes: Hashed,
) -> tuple[int, bytes]:
    place = places[name]
    values = list(_each([one.columns[place] for one in part]))
    if name in head.hashed:
        values = [None if value is None else hashes(value) for value in values]
    made = block.cells(values)
    _pause()
    return made


def _all_floats(part: Sequence[Answered], width: int) -> "NDArray[np.float64] | None":
    """Return the columns as one array, rows by columns, if there is no value but floats."""
    import numpy as np

    step = max(_PIECE_VALUES // width, 1)
    pieces = []
    done = 0
    for start in range(0, len(part), step):
        piece = part[start : start + step]
        single = all(len(one.predictions) == 1 for one in piece)
        for some in (piece,) if single else [(one,) for one in piece]:
            flat = list(_each(_each([one.columns for one in some])))
            if set(map(type, flat)) != {float}:
                return None
            found = np.array(flat, dtype=np.float64)
            pieces.append(found.reshape(-1, width) if single else found.reshape(width, -1).T)
            done += len(flat)
            if done >= _PIECE_VALUES:
                done = 0
                _pause()
    return np.concatenate(pieces)


def _shares(head: Head, part: Sequence[Answered]) -> "NDArray[np.float64] | None":
    import numpy as np

    classes = head.source.classes
    if not classes or any(one.shares is None for one in part):
        return None
    flat = list(_each(_each([one.shares or () for one in part])))
    return np.array(flat, dtype=np.float64).reshape(-1, len(classes))


def _texts(
    given: Sequence[Sequence[str | None] | None], counts: Sequence[int]
) -> list[str | None] | None:
    """Return the request ids or keys of all rows; None where nobody gave any."""
    if not any(one is not None for one in given):
        return None
    return list(
        _each(
            [
                (None,) * rows if one is None else one
                for one, rows in zip(given, counts, strict=True)
            ]
        )
    )


def _pause() -> None:
    """Let go of the interpreter, for whoever waits for it."""
    time.sleep(0)
