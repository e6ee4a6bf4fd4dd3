"""Taking data out of the work tree, when the version that it is can be had again."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from mlops_cli.core import tree
from mlops_cli.core.files import outside
from mlops_cli.core.repository import Repository
from mlops_cli.data import listing, paths, snapshot
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.restore import clear
from mlops_cli.errors import Conflict, RequestError


class Unsaved(Conflict):
    """What would be removed is in no store."""


def discard(repo: Repository, was: Pointer, *, force: bool = False) -> None:
    """Remove the data at a pointer's path, and folders above it that are empty then.

    Raises:
        Unsaved: it is not the pointer's version, or that is not in this store, and not `force`.
        Conflict: somebody changed it meanwhile.
        ExternalError: the file system refuses.
    """
    target = paths.locate(repo, was.path)
    if not os.path.lexists(target):
        return
    if not force:
        refuse_unsaved(repo, was)
    try:
        if force:
            _remove_all(target)
        elif was.kind == "folder":
            clear(repo, target)
            _remove_caches(target)
        else:
            target.unlink()
        remove_empty(target, repo.root)
    except OSError as error:
        raise outside(error, target) from error


def refuse_unsaved(repo: Repository, was: Pointer) -> None:
    """Raise Unsaved unless the data at a pointer's path is its version, and that is stored."""
    if not is_its_version(repo, was):
        raise Unsaved(
            f"'{was.path}' holds changes that are in no version",
            hint=f"keep them: mlo add {was.path}, or give them up: --force",
        )
    if not _is_stored(repo, was):
        raise Unsaved(
            f"the content of '{was.path}' is not in this store",
            hint=f"mlo add {was.path}, or give it up: --force",
        )


def is_its_version(repo: Repository, was: Pointer) -> bool:
    """Return whether the work tree holds at a pointer's path what the pointer says."""
    try:
        found = snapshot.take(repo, paths.locate(repo, was.path))
    except RequestError:  # a link, socket or device is where data was
        return False
    return (found.oid, found.kind) == (was.oid, was.kind)


def _is_stored(repo: Repository, one: Pointer) -> bool:
    objects = repo.objects
    if not objects.has(one.oid):
        return False
    if one.kind == "file":
        return True
    return all(
        objects.has(entry.oid)
        for _, entry in tree.walk(objects, one.oid)
        if entry.mode is not tree.Mode.FOLDER
    )


def _remove_all(target: Path) -> None:
    if stat.S_ISDIR(os.lstat(target).st_mode):
        shutil.rmtree(target)
    else:
        target.unlink()


def _remove_caches(folder: Path) -> None:
    """Remove what programs left below a folder and no version holds."""
    for here, names, _ in os.walk(folder, topdown=False):
        for name in names:
            if os.fsencode(name) in listing.CACHES:
                shutil.rmtree(os.path.join(here, name), ignore_errors=True)
        if here != str(folder):
            with suppress(OSError):
                os.rmdir(here)


def remove_empty(path: Path, root: Path) -> None:
    """Remove a folder and those above that are empty now, as git does."""
    with suppress(OSError):
        path.rmdir()
    for folder in path.parents:
        if folder == root:
            return
        try:
            folder.rmdir()
        except OSError:
            return
