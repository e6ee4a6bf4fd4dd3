"""What the loop is held against: a model that stays as it is, and models retrained by rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.loop.learner import TARGET, fit
from benchmarks.loop.streams import Stream

Hits = NDArray[np.bool_]
WINDOWS = ("since the last", "all", 2000, 5000)
"""The rows that a schedule trains on: those since the last training, all, or the newest so many."""


@dataclass(frozen=True)
class Arm:
    """How one way of going on did: which answers were right, and when it was trained, in rows."""

    name: str
    hits: Hits
    trained: Sequence[int] = ()

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return float(self.hits.mean())


def frozen(stream: Stream) -> Arm:
    """Return how the first model does, when nobody touches it."""
    return Arm("frozen", _hits(stream, 0, len(stream.live), 0, stream.reference))


def schedules(stream: Stream, times: int) -> list[Arm]:
    """Return how models do that are fitted anew so many times, after equal numbers of rows."""
    return [_schedule(stream, times, window) for window in WINDOWS]


def _schedule(stream: Stream, times: int, window: str | int) -> Arm:
    live = len(stream.live)
    ends = [round(live * place / (times + 1)) for place in range(times + 2)]
    hits = [_hits(stream, 0, ends[1], 0, stream.reference)]
    for before, start, end in zip(ends, ends[1:], ends[2:], strict=False):
        now = stream.reference + start
        first = {"all": 0, "since the last": stream.reference + before}.get(str(window))
        if first is None:
            first = max(0, now - int(window))
        hits.append(_hits(stream, start, end, first, now))
    name = f"the newest {window:,}" if isinstance(window, int) else f"{window}"
    return Arm(name, np.concatenate(hits), ends[1:-1])


def _hits(stream: Stream, start: int, end: int, first: int, last: int) -> Hits:
    """Return which live rows a model is right about that was fitted on rows `first` to `last`."""
    model = fit(stream.rows.iloc[first:last])
    asked = stream.live.iloc[start:end]
    found: Hits = model.predict(asked.drop(columns=TARGET)) == asked[TARGET].to_numpy()
    return found
