"""What the server counts, on a board that its processes share."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from mlops_cli.serving.board import Board

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STEP = 1.1
"""How much longer each bucket of a version's own times is than the one before."""
FINE_S = tuple(1e-5 * STEP**step for step in range(160))
"""The bounds of those buckets: 10 us to 38 s."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What requests to one version came to.

    Attributes:
        good: requests that it answered.
        bad: requests that it failed on.
        seconds: how many calls into the model took up to each of `FINE_S`, then longer.
    """

    good: int
    bad: int
    seconds: tuple[int, ...]

    @property
    def requests(self) -> int:
        """How many there were."""
        return self.good + self.bad

    def since(self, before: "Outcomes") -> "Outcomes":
        """Return what was added after `before`."""
        times = zip(self.seconds, before.seconds, strict=True)
        return Outcomes(
            self.good - before.good,
            self.bad - before.bad,
            tuple(now - then for now, then in times),
        )


NOTHING = Outcomes(0, 0, (0,) * (len(FINE_S) + 1))


class Metrics:
    """What one process counts; to be called from one thread, the event loop's."""

    def __init__(self, board: Board | None = None, part: int = 0) -> None:
        """Count in a part of `board`, one of its own if there is none."""
        self.board = board or Board()
        self._cells = self.board.part(part)
        self._places: dict[tuple[str | int, ...], int] = {}
        self._bases: dict[int, float] = {}
        self._latency = self.board.place(("latency",), len(BUCKETS_S) + 2)

    def count(self, path: str, status: int) -> None:
        """Count one answered request."""
        key = (path, status)
        place = self._places.get(key)
        if place is None:
            place = self._placed(key, ("requests", path, str(status)))
        self._cells[place] += 1

    def latency(self, seconds: float) -> None:
        """Count the time that a prediction took, from the head of the request to its answer."""
        cells, first = self._cells, self._latency
        cells[first + bisect_left(BUCKETS_S, seconds)] += 1
        cells[first + len(BUCKETS_S) + 1] += seconds

    def predicted(
        self, model: str, version: int, role: str, rows: int, requests: int = 1, *, seconds: float
    ) -> None:
        """Count requests that a version has answered in one call, and what that took."""
        place = self._of_version(model, version, role)
        cells = self._cells
        cells[place] += rows
        cells[place + 1] += requests
        cells[place + 3 + bisect_left(FINE_S, seconds)] += 1

    def failed(self, model: str, version: int, role: str) -> None:
        """Count a request that a version has failed on."""
        self._cells[self._of_version(model, version, role) + 2] += 1

    def add(self, family: str, *labels: str, by: float = 1) -> None:
        """Add to any other counter."""
        self._cells[self.board.place((family, *labels))] += by

    def gauge(self, family: str, to: float) -> None:
        """Set this process's share of a gauge."""
        self._cells[self.board.place((family,))] = to

    def total(self, family: str, to: float) -> None:
        """Set what something in this process has counted since its start."""
        place = self.board.place((family,))
        base = self._bases.setdefault(place, self._cells[place])
        self._cells[place] = base + to

    def _of_version(self, model: str, version: int, role: str) -> int:
        key = (model, version, role)
        place = self._places.get(key)
        if place is None:
            name = ("versions", model, str(version), role)
            place = self._placed(key, name, 3 + len(FINE_S) + 1)
        return place

    def _placed(self, key: tuple[str | int, ...], name: tuple[str, ...], width: int = 1) -> int:
        place = self._places[key] = self.board.place(name, width)
        return place


class Uncounted(Metrics):
    """Counts nothing of single requests, so that what counting costs can be measured."""

    def count(self, path: str, status: int) -> None:
        """Do nothing."""

    def latency(self, seconds: float) -> None:
        """Do nothing."""

    def predicted(
        self, model: str, version: int, role: str, rows: int, requests: int = 1, *, seconds: float
    ) -> None:
        """Do nothing."""


def outcomes(board: Board) -> Mapping[tuple[str, int, str], Outcomes]:
    """Return what requests came to, by model, version and role."""
    return {
        (model, int(version), role): Outcomes(int(good), int(bad), tuple(map(int, seconds)))
        for (model, version, role), (_, good, bad, *seconds) in board.sums("versions").items()
    }
