"""Tools take turns, so that noise falls on all alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.measure import Cost, median, once
from benchmarks.storage.peers.peer import Command
from benchmarks.storage.place import Place


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Turn:
    """A command, made anew each time after what has to be done before, unmeasured.

    What was written before is brought to disk first, so that it costs the command nothing; with
    `dirty`, what `before` wrote is left in memory.
    """

    command: Callable[[], Command | None]
    before: Callable[[], None] = _nothing
    dirty: bool = False


def take(turns: Mapping[str, Turn], *, times: int, place: Place) -> dict[str, Cost]:
    """Return the median cost of each; those whose command is None are left out."""
    costs: dict[str, list[Cost]] = {}
    for _ in range(times):
        for name, turn in turns.items():
            cost = _take(turn, place)
            if cost is not None:
                costs.setdefault(name, []).append(cost)
    return {name: median(found) for name, found in costs.items()}


def _take(turn: Turn, place: Place) -> Cost | None:
    if turn.dirty:
        place.settle()
    turn.before()
    if not turn.dirty:
        place.settle()
    command = turn.command()
    if command is None:
        return None
    return once(command.argv, cwd=command.cwd, env=command.env)
