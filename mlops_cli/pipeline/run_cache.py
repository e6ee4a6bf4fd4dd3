"""The run cache: what a step produced when it ran with the same inputs before, here or elsewhere.

The cache is the runs. Their records come with every fetch; content that only the remote has is
brought when somebody asks for it to be.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject
from mlops_cli.runs.index import Index, open_index
from mlops_cli.runs.record import Artifact, Run, StepRun

Bring = Callable[[Sequence[ObjectId]], None]
"""Gets the content of objects from elsewhere; raises MissingObject where that has them neither."""


class Cache:
    """The runs that were recorded when it was opened."""

    def __init__(self, repo: Repository, index: Index, bring: Bring | None) -> None:
        self._repo = repo
        self._index = index
        self._bring = bring

    def look_up(self, key: ObjectId) -> StepRun | None:
        """Return a step of an earlier run with this key whose outputs can be brought back."""
        for oid in self._index.produced(key):
            for step in Run.read(self._repo, oid).steps:
                if step.key == key and step.state == "ran" and self.complete(step.outs.values()):
                    return step
        return None

    def complete(self, outs: Iterable[Artifact]) -> bool:
        """Return whether all content of these outputs is in the store, or was brought there."""
        missing = [out.oid for out in outs if not _has_all(self._repo, out)]
        if not missing or self._bring is None:
            return not missing
        try:
            self._bring(missing)
        except MissingObject:
            return False
        return True

    def name_of(self, run: str) -> str:
        """Return the name of the run with this key."""
        return self._index.name_of(run)


@contextmanager
def open_cache(repo: Repository, bring: Bring | None = None) -> Iterator[Cache]:
    """Open the run cache for a `with` block; with `bring`, content may come from elsewhere."""
    with open_index(repo) as index:
        yield Cache(repo, index, bring)


def from_remote(repo: Repository, name: str | None) -> Bring:
    """Return what brings content from a remote, after bringing the records of runs from there.

    Raises:
        RequestError: there is no such remote.
        ExternalError: it cannot be reached.
    """
    from mlops_cli.remotes import fetch
    from mlops_cli.remotes.remote import connect

    remote = connect(repo, name)
    fetch.records(repo, remote, trees=False)

    def bring(oids: Sequence[ObjectId]) -> None:
        fetch.content(repo, remote, oids)

    return bring


def _has_all(repo: Repository, out: Artifact) -> bool:
    if not repo.objects.has(out.oid):
        return False
    if out.kind == "file":
        return True
    try:
        return all(repo.objects.has(entry.oid) for _, entry in tree.walk(repo.objects, out.oid))
    except MissingObject:
        return False
