"""What a run needs to be made again, by id: from this store, or else from a remote."""

from collections.abc import Callable, Iterable

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, MissingObject, MloError


class Supplies:
    """Gets objects that are not in this store; asks each remote at most once what it has.

    Attributes:
        tell: is told what is being fetched from where.
    """

    def __init__(
        self, repo: Repository, *, tell: Callable[[str], None], progress: Progress = SILENT
    ) -> None:
        self._repo = repo
        self._tell = tell
        self._progress = progress
        self._asked: list[str] | None = None

    def bring(self, wanted: Iterable[ObjectId], what: str) -> None:
        """Have all content of these objects here; `what` is what people call it.

        Raises:
            MissingObject: some is neither here nor on any remote that can be reached.
        """
        oids = list(dict.fromkeys(wanted))
        missing = [oid for oid in oids if not self.has(oid)]
        if not missing:
            return
        from mlops_cli.remotes import fetch
        from mlops_cli.remotes.remote import connect

        tried: list[str] = []
        unheard: list[str] = []
        for name in self._repo.settings.remotes:
            tried.append(name)
            try:
                remote = connect(self._repo, name)
                self._tell(f"data: fetching {what} from {name}")
                fetch.records(self._repo, remote, trees=False, progress=self._progress)
                there = [
                    oid
                    for oid in missing
                    if self._repo.objects.has(oid) or remote.catalogue.has(oid)
                ]
                fetch.content(self._repo, remote, there, progress=self._progress)
            except MloError as error:
                if not isinstance(error, MissingObject):
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
        where = f"nor on {' or '.join(tried)}" if tried else "and there is no remote"
        raise MissingObject(
            f"{what} is not in this store, {where}",
            hint="push it from where the run was made: mlo push",
            oid=missing[0],
        )

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
