"""An engine of the pipeline as something that answers parts of a batch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_cli.cli import show
from mlops_cli.pipeline.engines.engine import Engine, Task
from mlops_cli.registry.batch.spread import Doer, work


@contextmanager
def processes(jobs: int, *, tmp: Path) -> "Iterator[Doer | None]":
    """Have parts answered by so many processes of this machine; by this one if it is one."""
    if jobs == 1:
        yield None
        return
    from mlops_cli.pipeline.engines.local import LocalEngine

    engine = LocalEngine(work, jobs=jobs, tmp=tmp)
    try:
        yield EngineDoer(engine)
    finally:
        engine.close()


class EngineDoer:
    """An engine, of which only the ends of tasks matter."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def width(self) -> int:
        """Return how many parts it does at once."""
        return max(self._engine.width(), 1)

    def submit(self, key: str, payload: Mapping[str, Any]) -> None:
        """Take a part."""
        self._engine.submit(Task(key, payload))

    def ended(self, wait_s: float) -> list[tuple[str, str | None]]:
        """Return which parts have ended, and why they failed if they did."""
        found: list[tuple[str, str | None]] = []
        for event in self._engine.events(wait_s):
            if event.kind == "again":
                show.note(f"part {int(event.key) + 1}: {event.value}; it is done again")
            if event.final:
                found.append((event.key, None if event.kind == "done" else str(event.value)))
        return found
