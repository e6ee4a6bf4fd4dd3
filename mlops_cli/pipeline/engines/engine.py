"""What every engine does: tasks, as many at once as it has room for, each reported as it ends.

A task is plain data, and what does it is a function that the other side can import. So a task
says by id what it needs, and answers with the id of what it made: content goes by the store.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol

from mlops_cli.core.records import dataclass

MAX_DEATHS = 3
"""A task whose worker died so often is not tried again: it may be what kills them."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: `payload` is plain data, and `key` tells it from the others."""

    key: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a task, or what it says meanwhile.

    Attributes:
        kind: `report`, a message from a task at work; `again`, its worker died, and it is done
            once more. These two are news; each task ends with one of the others: `done`;
            `failed`, it raised; `lost`, its worker died too often; `dropped`, it was stopped
            before it began.
        value: the message, the answer, or what went wrong in one line.
    """

    kind: Literal["report", "again", "done", "failed", "lost", "dropped"]
    key: str
    value: Any = None

    @property
    def final(self) -> bool:
        """Whether the task has come to its end."""
        return self.kind not in ("report", "again")


class Line(Protocol):
    """What connects a task at work with who gave it out."""

    def report(self, message: Mapping[str, Any]) -> None:
        """Send a message, which arrives as an event some time; it may be lost with the worker."""

    def stopped(self) -> bool:
        """Return whether the task is to end early: asked for, or nobody waits for it any more."""


Work = Callable[[Mapping[str, Any], int, Line], Any]
"""Does a task, given its payload, the place it has among those at work beside it on this worker
(counted from 0), and its line; returns its answer. An exception fails the task, no other."""


class Engine(Protocol):
    """Does tasks. Used from one thread."""

    name: str
    """What it is called in records, such as `local`."""

    def width(self) -> int:
        """Return how many tasks it can do at once now, at least 0."""

    def submit(self, task: Task) -> None:
        """Take a task; what is more than `width` waits. Its key must be new."""

    def events(self, wait_s: float) -> list[Event]:
        """Return what has happened, oldest first; waits up to `wait_s` if that is nothing.

        Each task comes to one end, and only one, whatever becomes of the workers.

        Raises:
            ExternalError: the engine itself is gone; no event will come any more.
        """

    def stop(self, key: str) -> None:
        """Ask a task to end early; it ends as others do, with an answer if it gives one."""

    def close(self) -> None:
        """Give up what is not done, and let go of the workers."""


def each(engine: Engine, tasks: Iterable[Task], *, wait_s: float = 1.0) -> Iterator[Event]:
    """Do tasks with never more given out than fit at once; yield each event as it comes.

    `tasks` is read as room becomes free.
    """
    waiting = iter(tasks)
    at_work = 0
    more = True
    while more or at_work:
        while more and at_work < max(engine.width(), 1):
            task = next(waiting, None)
            if task is None:
                more = False
                break
            engine.submit(task)
            at_work += 1
        for event in engine.events(wait_s):
            at_work -= event.final
            yield event
