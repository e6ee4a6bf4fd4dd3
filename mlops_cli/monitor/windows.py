"""Rows in the order of time, cut into windows: so long each, or so many rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Times = NDArray[np.int64]

MOST = 100
"""Of more windows the newest are looked at."""
_US = 1_000_000
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_LENGTH = re.compile(r"(\d{1,6})\s*([mhdw])")
_ROWS = re.compile(r"\d{1,12}")


@dataclass(frozen=True, slots=True)
class Width:
    """How wide a window is: in seconds, or in rows; the other is None."""

    seconds: int | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Rows `first` up to `end`, the latter left out; of the time from `start_us` to `until_us`.

    Microseconds since 1970. Of a window of so many rows they are the times of the first and the
    last. `whole` says that no more rows can come to it: the newest window is still filling.
    """

    first: int
    end: int
    start_us: int
    until_us: int
    whole: bool = True

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.end - self.first


def width(text: str) -> Width:
    """Return how wide `1d`, `6h`, `30m`, `1w` or a number of rows is.

    Raises:
        RequestError: it is none of these.

    >>> width("7d"), width("10,000")
    (Width(seconds=604800, rows=None), Width(seconds=None, rows=10000))
    """
    text = text.strip()
    if (match := _LENGTH.fullmatch(text)) and int(match[1]):
        return Width(seconds=int(match[1]) * _SECONDS[match[2]])
    plain = text.replace(",", "").replace("_", "")
    if _ROWS.fullmatch(plain) and int(plain):
        return Width(rows=int(plain))
    raise RequestError(
        f"'{text[:40]}' is not how wide a window is",
        hint="write a time, as 1h, 1d or 7d, or a number of rows, as 10000",
    )


def cut(times_us: Times, wide: Width) -> tuple[Window, ...]:
    """Return the windows of rows at these times, oldest first.

    Windows of a time begin at whole multiples of it, in UTC, so that a day is a day whenever one
    asks; those without a row are left out. Windows of a number of rows begin with the oldest row.

    Args:
        times_us: when each row was, shape (n,), rising, in microseconds since 1970.
        wide: how wide they are.

    >>> import numpy as np
    >>> days = np.array([0, 1, 3]) * 86_400_000_000
    >>> [window.rows for window in cut(days, width("2d"))]
    [2, 1]
    """
    if not len(times_us):
        return ()
    if wide.rows is not None:
        return tuple(_counted(times_us, wide.rows))
    assert wide.seconds is not None
    return tuple(_timed(times_us, wide.seconds * _US))


def _counted(times_us: Times, rows: int) -> list[Window]:
    ends = range(rows, len(times_us) + rows, rows)
    return [
        Window(
            first=end - rows,
            end=min(end, len(times_us)),
            start_us=int(times_us[end - rows]),
            until_us=int(times_us[min(end, len(times_us)) - 1]),
            whole=end <= len(times_us),
        )
        for end in ends
    ]


def _timed(times_us: Times, wide_us: int) -> list[Window]:
    import numpy as np

    number = times_us // wide_us
    starts = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
    ends = np.append(starts[1:], len(times_us))
    return [
        Window(
            first=int(first),
            end=int(end),
            start_us=int(number[first]) * wide_us,
            until_us=(int(number[first]) + 1) * wide_us,
            whole=int(end) < len(times_us),
        )
        for first, end in zip(starts, ends, strict=True)
    ]


class Placing:
    """Says of rows, which come in any order, in which window each is.

    Of rows of one moment at the end of a window those that come first are in it.
    """

    def __init__(self, times_us: Times, windows: tuple[Window, ...]) -> None:
        """Take the times that `windows` were cut from."""
        import numpy as np

        self._times, self._end = times_us, windows[-1].end if windows else 0
        self._firsts = np.array([one.first for one in windows], np.int64)
        self._seen: dict[int, int] = {}

    def places(self, times_us: Times) -> NDArray[np.int64]:
        """Return the window of each row, from 0; -1 of those that are in none.

        >>> import numpy as np
        >>> times = np.array([1, 5, 5, 5])
        >>> Placing(times, cut(times, width("2"))).places(np.array([5, 5, 1, 5])).tolist()
        [0, 1, 0, 1]
        """
        import numpy as np

        rank = np.searchsorted(self._times, times_us, side="left")
        beyond = np.searchsorted(self._times, times_us, side="right")
        for time in np.unique(times_us[self._window(rank) != self._window(beyond - 1)]).tolist():
            same = np.flatnonzero(times_us == time)
            before = self._seen.get(time, 0)
            rank[same] += np.minimum(before + np.arange(len(same)), (beyond - rank)[same] - 1)
            self._seen[time] = before + len(same)
        found = self._window(rank)
        found[times_us > self._times[-1:]] = -1  # it came while the others were read
        return found

    def _window(self, rank: NDArray[np.int64]) -> NDArray[np.int64]:
        import numpy as np

        found = np.searchsorted(self._firsts, rank, side="right") - 1
        return np.where(rank < self._end, found, -1)


def newest(windows: tuple[Window, ...], most: int = MOST) -> tuple[tuple[Window, ...], int]:
    """Return the newest windows, and how many older ones are left out."""
    left = max(0, len(windows) - most)
    return windows[left:], left
