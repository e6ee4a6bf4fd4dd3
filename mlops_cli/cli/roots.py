"""Which content a clone needs: what its pointers, its lock file and its stages name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.ids import ObjectId

if TYPE_CHECKING:
    from mlops_cli.core.progress import Progress
    from mlops_cli.core.repository import Repository
    from mlops_cli.errors import MissingObject
    from mlops_cli.remotes.fetch import Fetched
    from mlops_cli.remotes.remote import Remote


def pointed_at(
    repo: "Repository", paths: Iterable[str], remote: "Remote | None" = None
) -> list[ObjectId]:
    """Return the ids that versioned paths, given relative to the working folder, stand for.

    With a remote, listings of folders that are on the way and not here are brought from there.
    """
    from mlops_cli.data.reference import resolve
    from mlops_cli.errors import MissingObject
    from mlops_cli.remotes import fetch

    found: list[ObjectId] = []
    for path in paths:
        while True:
            try:
                found.append(resolve(repo, path, start=Path.cwd()).oid)
                break
            except MissingObject as error:
                if remote is None or error.oid is None:
                    raise
                if not fetch.one(repo, remote, ObjectId(error.oid)):
                    raise
    return found


def needed(repo: "Repository") -> list[ObjectId]:
    """Return the ids of all that the work tree and the models in stages need, what these answered
    when they were evaluated, and what is told of every version.
    """
    from mlops_cli.data import reference
    from mlops_cli.registry import models
    from mlops_cli.registry.evaluation.record import of_version

    found = [one.oid for one in reference.everything(repo)]
    for name in models.names(repo):
        model = models.model(repo, name)
        staged = set(model.stages.values()) | set(model.aliases.values())
        for version in model.versions:
            if version.number in staged:
                found += [one for one in (version.artifact, version.compiled) if one is not None]
                for evaluation in of_version(model, version):
                    found += evaluation.kept.objects  # what gates pair a new version with
        found += [oid for version in model.versions for oid in version.told]
    return found


def bring(
    repo: "Repository",
    remote: "Remote",
    paths: list[str] | None,
    *,
    everything: bool,
    progress: "Progress",
) -> "Fetched":
    """Fetch the records, then the content that is wanted: of some paths, all, or what is needed."""
    from dataclasses import replace

    from mlops_cli.errors import MissingObject
    from mlops_cli.remotes import fetch

    believe_only_what_can_be_read(repo, remote)
    few = bool(paths) and not everything
    with repo.writing():
        records = fetch.records(repo, remote, trees=not few, progress=progress)
        roots = None if everything else pointed_at(repo, paths, remote) if paths else needed(repo)
        try:
            content = fetch.content(repo, remote, roots, progress=progress)
        except MissingObject as error:
            raise _by_path(
                repo, error, dict(zip(roots or (), paths or (), strict=False))
            ) from error
    return replace(
        records,
        objects=records.objects + content.objects,
        bytes=records.bytes + content.bytes,
    )


def _by_path(
    repo: "Repository", error: "MissingObject", typed: "Mapping[ObjectId, str]"
) -> "MissingObject":
    """Return an error that names the path, as far as one is known, and not the object."""
    from mlops_cli.data import reference
    from mlops_cli.errors import MissingObject

    named = {str(one.oid): one.path for one in reference.everything(repo)} | dict(typed)
    if error.oid is None or error.oid not in named:
        return error
    content = f"the content of '{named[error.oid]}'"
    message = error.message.replace(f"object {error.oid}", content)
    return MissingObject(message, hint=error.hint, oid=error.oid)


def heal(repo: "Repository", remote: "Remote", wanted: Iterable[ObjectId]) -> int:
    """Bring what a remote has of `wanted`, and what it needs; return how many objects came.

    Records that are not here come too. What is damaged there as well is left out.
    """
    from mlops_cli.errors import IntegrityError, MissingObject
    from mlops_cli.remotes import fetch

    believe_only_what_can_be_read(repo, remote)
    with repo.writing():
        brought = fetch.records(repo, remote).objects
        for oid in wanted:
            try:
                brought += fetch.content(repo, remote, [oid]).objects
            except (IntegrityError, MissingObject):
                continue  # told by the caller, of all that is still not here
    return brought


def believe_only_what_can_be_read(repo: "Repository", remote: "Remote") -> None:
    """Have runs and events read before they are kept, and chains of models before refs move."""
    from mlops_cli.core.objects import Kind
    from mlops_cli.registry import events, models
    from mlops_cli.runs import record

    def vet(ref: str, head: ObjectId) -> None:
        if ref.startswith(events.PREFIX):
            models.vet(repo, ref.removeprefix(events.PREFIX), head)

    remote.readers = {Kind.RUN: lambda _, data: record.decode(data), Kind.EVENT: events.decode}
    remote.vet = vet
