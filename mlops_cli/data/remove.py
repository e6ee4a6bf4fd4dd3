"""Remove: stop versioning files and folders. The store keeps what it has; `gc` decides."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mlops_cli.core import git, git_index
from mlops_cli.core.layout import POINTER_SUFFIX
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import discard, locked, paths, pointer, reference
from mlops_cli.data.ignore import unignore_all
from mlops_cli.data.mentions import mentions
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.errors import Conflict, RequestError

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Removed:
    """One path that is no longer versioned; `mentions` are lines of the settings that name it."""

    path: str
    kind: ObjectKind
    size: int
    files: int
    mentions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """What `remove` did.

    Attributes:
        removed: the paths, sorted.
        kept: whether the data stayed in the work tree.
        unstaged: `.gitignore` files that were changed, and not staged since they held more.
    """

    removed: tuple[Removed, ...]
    kept: bool
    unstaged: tuple[str, ...]


def remove(
    repo: Repository,
    typed: Sequence[Path],
    *,
    keep: bool = False,
    force: bool = False,
    recursive: bool = False,
) -> Removal:
    """Stop versioning paths: remove their pointers, in git's index too, and their data.

    All are looked at before the first is touched. Data goes before its pointer, so that what a
    killed call has left undone another one does.

    Args:
        repo: the project.
        typed: versioned paths, or their pointers.
        keep: leave the data in the work tree; git no longer ignores it.
        force: remove also what is in no version, or in no commit.
        recursive: take a folder for all versioned paths in it.

    Raises:
        RequestError: a path is not versioned, or only a part of what is.
        Conflict: unsaved work would be lost, and not `force`.
        ExternalError: git or the file system refuses.
    """
    going = _chosen(repo, typed, recursive=recursive)
    with repo.writing():
        if not force:
            _refuse_loss(repo, going, keep=keep)
        removed = [_removed(repo, one) for one in going]
        files = [pointer.file_of(one.path) for one in going]
        git_index.drop(repo.root, sorted(git.is_tracked(repo.root, files)))
        for one, file in zip(going, files, strict=True):
            if not keep:
                discard.discard(repo, one, force=force)
            (repo.root / file).unlink(missing_ok=True)
            discard.remove_empty(repo.root / file, repo.root)
        unstaged = unignore(repo, [one.path for one in going])
    return Removal(tuple(removed), keep, unstaged)


def unignore(repo: Repository, gone: Iterable[str]) -> tuple[str, ...]:
    """Have git ignore paths no longer; return the `.gitignore` files that are not staged.

    One that was in git's index as it was in the work tree is staged; with other changes in it,
    that is left to the user.
    """
    gone = list(gone)
    names = {_ignore_file(path) for path in gone}
    clean = {name for name in names if git_index.is_as_staged(repo.root, name)}
    changed = {file.relative_to(repo.root).as_posix() for file in unignore_all(repo.root, gone)}
    for name in sorted(changed & clean):
        stage(repo, name)
    for name in changed:
        discard.remove_empty(repo.root / name, repo.root)
    unstaged = sorted(changed - clean)
    tracked = git.is_tracked(repo.root, unstaged)
    return tuple(name for name in unstaged if name in tracked or (repo.root / name).exists())


def stage(repo: Repository, name: str) -> None:
    """Put a file into git's index as it is in the work tree, also when it is gone."""
    if (repo.root / name).exists():
        git_index.stage(repo.root, name)
    else:
        git_index.drop(repo.root, [name])


def versioned(repo: Repository, typed: Path) -> Pointer | None:
    """Return the pointer of a path that was typed, or of the data that a typed pointer is of."""
    path = paths.relative(repo, typed)
    found = pointer.read(repo, path)
    if found is None and path.endswith(POINTER_SUFFIX):
        found = pointer.read(repo, path.removesuffix(POINTER_SUFFIX))
    return found


def unversioned(repo: Repository, path: str) -> RequestError:
    """Return the error that says why a path has no pointer of its own."""
    above = pointer.holder(repo, path)
    if above is not None:
        return RequestError(
            f"'{path}' is in '{above.path}', which is versioned as a whole",
            hint=f"change the folder, then: mlo add {above.path}",
        )
    if path in locked.outputs(repo):
        return RequestError(
            f"'{path}' is made by a step of the pipeline, and has no pointer",
            hint="take it out of the step in .mlops.yaml",
        )
    return reference.unknown(repo, path)


def inside(repo: Repository, folder: str) -> list[Pointer]:
    """Return the pointers of all that is versioned below a folder, sorted by path."""
    return [
        one
        for one in pointer.each(repo)
        if one.path.startswith(folder + "/") and (repo.root / pointer.file_of(one.path)).exists()
    ]


def _chosen(repo: Repository, typed: Sequence[Path], *, recursive: bool) -> list[Pointer]:
    found: dict[str, Pointer] = {}
    for one in typed:
        known = versioned(repo, one)
        if known is not None:
            found[known.path] = known
            continue
        path = paths.relative(repo, one)
        below = inside(repo, path)
        if not below:
            raise unversioned(repo, path)
        if not recursive:
            raise RequestError(
                f"'{path}' is not versioned itself, but {_few([one.path for one in below])} in it",
                hint=f"mlo rm -r {path}",
            )
        found |= {one.path: one for one in below}
    return [found[path] for path in sorted(found)]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more


def _refuse_loss(repo: Repository, going: Sequence[Pointer], *, keep: bool) -> None:
    committed = _committed(repo)
    for one in going:
        here = (repo.root / one.path).exists() or (repo.root / one.path).is_symlink()
        if here and not keep:
            discard.refuse_unsaved(repo, one)
        lost = not (keep and here and discard.is_its_version(repo, one))
        if lost and pointer.encode(one) not in committed:
            raise Conflict(
                f"the version of '{one.path}' is not in git's last commit, and would be lost",
                hint="commit its pointer first, or give it up: --force",
            )


def _committed(repo: Repository) -> set[bytes]:
    """Return the pointers of git's last commit, of whatever path."""
    if git.head(repo.root) is None:
        return set()
    return set(git.contents_at(repo.root, "HEAD", POINTER_SUFFIX).values())


def _removed(repo: Repository, one: Pointer) -> Removed:
    return Removed(one.path, one.kind, one.size, one.files, mentions(repo, one.path))


def _ignore_file(path: str) -> str:
    folder = path.rpartition("/")[0]
    return f"{folder}/.gitignore" if folder else ".gitignore"
