"""What a run needs to be made again, by id: from this store, or else from a remote."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, MissingObject, MloError

if TYPE_CHECKING:
    from mlops_cli.remotes.remote import Remote


class Supplies:
    """Gets objects that are not in this store; asks each remote once what it has."""

    def __init__(
        self, repo: Repository, *, tell: Callable[[str], None], progress: Progress = SILENT
    ) -> None:
        """`tell` is told what is being fetched from where."""
        self._repo = repo
        self._tell = tell
        self._progress = progress
        self._remotes: dict[str, Remote] = {}

    def bring(self, wanted: Iterable[ObjectId], what: str) -> None:
        """Have all content of these objects here; `what` is what people call it.

        Raises:
            MissingObject: some is neither here nor on any remote.
            ExternalError: it is not here, and a remote could not be asked.
        """
        missing = [oid for oid in dict.fromkeys(wanted) if not self.has(oid)]
        if not missing:
            return
        unheard: list[str] = []
        for name in self._repo.settings.remotes:
            try:
                self._fetch(name, missing, what)
            except MissingObject:
                continue
            except MloError as error:
                unheard.append(f"{name}: {error.message}")
                continue
            missing = [oid for oid in missing if not self.has(oid)]
            if not missing:
                return
        if unheard:
            raise ExternalError(
                f"{what} is not in this store, and a remote could not be asked: {unheard[0]}",
                hint="try again when it can be reached, or see: mlo remote list",
            )
        tried = " or ".join(self._repo.settings.remotes)
        where = f"nor on {tried}" if tried else "and there is no remote"
        raise MissingObject(
            f"{what} is not in this store, {where}",
            hint="push it from where the run was made: mlo push",
            oid=missing[0],
        )

    def _fetch(self, name: str, oids: Iterable[ObjectId], what: str) -> None:
        from mlops_cli.remotes import fetch

        remote = self._remote(name)
        self._tell(f"data: fetching {what} from {name}")
        there = [oid for oid in oids if self._repo.objects.has(oid) or remote.catalogue.has(oid)]
        fetch.content(self._repo, remote, there, progress=self._progress)

    def _remote(self, name: str) -> "Remote":
        """Return a remote of which it is known what it has."""
        from mlops_cli.remotes import fetch
        from mlops_cli.remotes.remote import connect

        if name not in self._remotes:
            self._tell(f"data: asking {name} what it has")
            remote = connect(self._repo, name)
            fetch.records(self._repo, remote, trees=False, progress=self._progress)
            self._remotes[name] = remote
        return self._remotes[name]

    def has(self, oid: ObjectId) -> bool:
        """Return whether an object and all below it is in this store."""
        objects = self._repo.objects
        if not objects.has(oid):
            return False
        if objects.kind(oid) is not Kind.TREE:
            return True
        try:
            return all(objects.has(entry.oid) for _, entry in tree.walk(objects, oid))
        except MissingObject:
            return False
