"""Which steps may run now: those whose needs are met, as far as there is room for them."""

from collections.abc import Mapping
from heapq import heappop, heappush

from mlops_cli.pipeline.graph import Graph


class Schedule:
    """The steps of a graph that are not done, in the order in which they may begin.

    `room` says how much there is of each resource; of one that it does not name there is 1. A step
    that asks for more than there is runs when nothing else does.
    """

    def __init__(self, graph: Graph, room: Mapping[str, float]) -> None:
        self._graph = graph
        self._room = dict(room)
        self._used: dict[str, float] = {}
        self._at_work = 0
        self._rank = {name: rank for rank, name in enumerate(graph.steps)}
        self._left = {
            name: sum(1 for need in graph.needs[name] if need in graph.steps)
            for name in graph.steps
        }
        self._needed_by: dict[str, list[str]] = {name: [] for name in graph.steps}
        for name in graph.steps:
            for need in graph.needs[name]:
                if need in graph.steps:
                    self._needed_by[need].append(name)
        self._ready = [(rank, name) for name, rank in self._rank.items() if not self._left[name]]

    def next(self) -> str | None:
        """Take the first step whose needs are met; None when there is none at the moment."""
        return heappop(self._ready)[1] if self._ready else None

    def put_back(self, name: str) -> None:
        """Return a step that `next` gave, for which there is no room yet."""
        heappush(self._ready, (self._rank[name], name))

    def fits(self, name: str) -> bool:
        """Return whether there is room for a step beside those at work."""
        if not self._at_work:
            return True
        return all(
            self._used.get(what, 0) + amount <= self._room.get(what, 1)
            for what, amount in self._graph.steps[name].resources.items()
        )

    def begin(self, name: str) -> None:
        """Note that a step is at work."""
        self._take(name, 1)

    def end(self, name: str) -> None:
        """Note that a step is no longer at work."""
        self._take(name, -1)

    def done(self, name: str) -> None:
        """Note that a step is settled, whatever came of it, so that those after it may begin."""
        for other in self._needed_by[name]:
            self._left[other] -= 1
            if not self._left[other]:
                heappush(self._ready, (self._rank[other], other))

    def _take(self, name: str, sign: int) -> None:
        self._at_work += sign
        for what, amount in self._graph.steps[name].resources.items():
            self._used[what] = self._used.get(what, 0) + sign * amount
