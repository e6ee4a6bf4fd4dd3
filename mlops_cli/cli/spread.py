"""An engine of the pipeline as something that answers parts of a batch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlops_cli.cli import show
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline.engines import kinds
from mlops_cli.pipeline.engines.engine import Engine, Task
from mlops_cli.pipeline.sweeps.cluster import connected
from mlops_cli.registry.batch.spread import Doer, Ended, work

if TYPE_CHECKING:
    from mlops_cli.remotes.remote import Remote


@contextmanager
def doing(
    repo: Repository, url: str | None, jobs: int | None
) -> "Iterator[tuple[Doer | None, Remote | None]]":
    """Have parts answered by so many processes, of this machine or of the engine at `url`.

    One process of this machine is this one. With an engine elsewhere comes the remote by which
    its workers get the model.

    Raises:
        RequestError: there is no such engine, or it needs a remote, and there is none.
    """
    local = kinds.is_local(url)
    if local and (jobs or 1) == 1:
        yield None, None
        return
    remote = None if local else connected(repo, None)
    engine = kinds.open_engine(url, work, jobs=jobs, tmp=repo.layout.tmp)
    try:
        yield EngineDoer(engine), remote
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

    def ended(self, wait_s: float) -> list[Ended]:
        """Return which parts have ended, and how."""
        found: list[Ended] = []
        for event in self._engine.events(wait_s):
            if event.kind == "again":
                show.note(f"part {int(event.key) + 1}: {event.value}; it is done again")
            if event.kind == "done":
                found.append(Ended(event.key, None, event.value))
            elif event.final:
                found.append(Ended(event.key, str(event.value)))
        return found
