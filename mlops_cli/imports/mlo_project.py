"""A path of another mlo project: from its store, or from its remotes."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from mlops_cli.core import config, git, tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import SETTINGS, Layout
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.data import reference
from mlops_cli.data.reference import Reference
from mlops_cli.data.source import Source
from mlops_cli.errors import MissingObject, RequestError
from mlops_cli.imports import urls
from mlops_cli.imports.arrival import Arrival, Errand
from mlops_cli.imports.checkouts import Project
from mlops_cli.remotes import fetch
from mlops_cli.remotes.remote import Remote, connect


def bring(project: Project, path: str, source: Source, errand: Errand) -> Arrival | None:
    """Bring a path that the project keeps with mlo at its commit; None if it does not.

    Raises:
        RequestError: a pointer there is malformed, or the path is a symbolic link.
        MissingObject: neither its store nor its remotes have the content.
        IntegrityError: what they have is damaged.
    """
    theirs = Repository(Layout(project.root))
    whole = reference.holder(theirs, path, project.commit)
    if whole is None:
        return None
    with TemporaryDirectory(prefix="import-", dir=errand.repo.layout.tmp) as room:
        elsewhere = _Elsewhere(errand, project, theirs, Path(room))
        found = _part(errand.repo, elsewhere, whole, path)
        if found is None:
            return None
        if found.link:
            raise RequestError(f"'{path}' of '{project.url}' is a symbolic link")
        elsewhere.bring(found.oid)
    size, files = _measure(errand.repo, found)
    return Arrival(source, found.oid, found.kind, size, files, found.executable)


def _part(
    ours: Repository, elsewhere: "_Elsewhere", whole: Reference, path: str
) -> Reference | None:
    """Return the part of a version that `path` is, after bringing the listings on the way."""
    while True:
        try:
            return reference.part(ours, whole, path)
        except MissingObject as error:
            if error.oid is None:
                raise
            elsewhere.bring_one(ObjectId(error.oid))


def _measure(repo: Repository, found: Reference) -> tuple[int, int]:
    if found.kind == "file":
        return repo.objects.size(found.oid), 1
    entries = [entry for _, entry in tree.walk(repo.objects, found.oid)]
    files = [entry for entry in entries if entry.mode is not tree.Mode.FOLDER]
    return sum(entry.size for entry in files), len(files)


class _Elsewhere:
    """The other project's store and remotes, from which objects come to this one's store."""

    def __init__(self, errand: Errand, project: Project, theirs: Repository, room: Path) -> None:
        """Keep what is learnt of its remotes in `room`."""
        self._errand = errand
        self._ours = errand.repo
        self._room = room
        self._project = project
        self._theirs = theirs

    def bring(self, oid: ObjectId) -> None:
        """Have all of a file or tree in our store."""
        if self._is_whole(self._ours, oid):
            return
        if self._is_whole(self._theirs, oid):
            self._copy([oid, *self._below(oid)])
            return
        for remote in self._remotes:
            with suppress(MissingObject):
                fetch.content(self._ours, remote, [oid])
                return
        raise self._nowhere(oid)

    def bring_one(self, oid: ObjectId) -> None:
        """Have a single object in our store."""
        if self._theirs.objects.has(oid):
            self._copy([oid])
        elif not any(fetch.one(self._ours, remote, oid) for remote in self._remotes):
            raise self._nowhere(oid)

    def _is_whole(self, repo: Repository, oid: ObjectId) -> bool:
        if not repo.objects.has(oid):
            return False
        if repo.objects.kind(oid) is not Kind.TREE:
            return True
        try:
            return all(repo.objects.has(entry.oid) for _, entry in tree.walk(repo.objects, oid))
        except MissingObject:
            return False

    def _below(self, oid: ObjectId) -> list[ObjectId]:
        objects = self._theirs.objects
        if objects.kind(oid) is not Kind.TREE:
            return []
        return [entry.oid for _, entry in tree.walk(objects, oid)]

    def _copy(self, oids: list[ObjectId]) -> None:
        """Copy objects from the other store; each is checked while it is read."""
        with self._ours.objects.writer() as writer:
            for oid in dict.fromkeys(oids):
                if self._ours.objects.has(oid):
                    continue
                if self._theirs.objects.kind(oid) is Kind.TREE:
                    data = self._theirs.objects.get(oid)
                    tree.decode(data)
                    writer.put(data, Kind.TREE)
                else:
                    stream = _Pieces(self._theirs.objects.stream(oid))
                    replace(self._errand, writer=writer).put(stream)

    @cached_property
    def _remotes(self) -> list[Remote]:
        """The project's remotes at its commit, each asked what it holds."""
        data = git.show(self._project.root, self._project.commit, SETTINGS)
        settings = config.read(data or b"", where=f"{SETTINGS} of {self._project.url}")
        stand_in = Repository(Layout(self._room))
        stand_in.__dict__["settings"] = replace(
            settings,
            remotes={
                name: replace(one, url=_absolute(self._project, one.url))
                for name, one in settings.remotes.items()
                if self._project.here or not _is_relative(one.url)
            },
        )
        found: list[Remote] = []
        for name in stand_in.settings.remotes:
            remote = connect(stand_in, name)
            remote.catalogue.refresh(remote.transport, remote.read().state.packs)
            found.append(remote)
        return found

    def _nowhere(self, oid: ObjectId) -> MissingObject:
        tried = [f"the remote '{remote.name}'" for remote in self._remotes]
        where = (
            ", nor on ".join(["its store", *tried])
            if tried
            else "its store, and no remote is named"
        )
        return MissingObject(
            f"the project '{self._project.url}' does not have the content: not in {where}",
            hint="push it from where it was made: mlo push",
            oid=oid,
        )


def _is_relative(url: str) -> bool:
    return urls.scheme_of(url) is None and not Path(url).expanduser().is_absolute()


def _absolute(project: Project, url: str) -> str:
    return str((project.root / url).resolve()) if _is_relative(url) else url


class _Pieces:
    """Pieces as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = memoryview(piece)
        part, self._held = bytes(self._held[:size]), self._held[size:]
        return part
