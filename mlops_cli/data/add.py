"""Add: keep the bytes of files and folders, and write the pointers that git keeps."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from mlops_cli.core import alive, git
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX, SETTINGS
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, pointer, snapshot
from mlops_cli.data.ignore import ignore_all
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.snapshot import ObjectKind, Snapshot
from mlops_cli.errors import RequestError

State = Literal["new", "changed", "unchanged"]
_NAME_MAX_BYTES = 255 - len(POINTER_SUFFIX)
_FEW = 64
"""Up to so many pointers are synced one by one; of more, all at once."""

_OURS = frozenset({SETTINGS, LOCKFILE})


@dataclass(frozen=True, slots=True)
class Added:
    """One path that is versioned now; `state` is how its pointer stands to the one before.

    `edited_import` says where it was imported from, if it no longer is what came from there.
    """

    path: str
    oid: ObjectId
    kind: ObjectKind
    size: int
    files: int
    state: State
    pointer: str
    edited_import: str | None = None


def add(
    repo: Repository, typed: Sequence[Path], *, progress: Progress = SILENT
) -> tuple[Added, ...]:
    """Version files and folders of the project, all of them or none.

    Pointers are written once everything they name is durable in the store, and git is kept
    from tracking the bytes. Killed before that, nothing has changed.

    Raises:
        RequestError: a path is missing, outside the project, in git already, a part of
            something that is versioned, an output of a step, or not a file or folder.
        StateError: a file changed while it was read.
        ExternalError: a file cannot be read, or the store not written.
    """
    chosen = _chosen(repo, typed)
    known = {one.path: one for one in pointer.each(repo)}
    refuse_unfit(repo, chosen, known)
    _refuse_missing(repo, chosen, known)
    before = {path: one.oid for path, one in known.items()}
    watched = progress is not SILENT
    total = sum(snapshot.measure(repo.root / path) for path in chosen) if watched else None
    alive.sweep(repo.layout.tmp)
    with repo.writing():
        with (
            progress.task("adding", total, "B") as advance,
            repo.objects.writer() as writer,
        ):
            found = [
                snapshot.take(
                    repo, repo.root / path, writer=writer, before=before.get(path), advance=advance
                )
                for path in chosen
            ]
        return _point(repo, dict(zip(chosen, found, strict=True)), known)


def _chosen(repo: Repository, typed: Sequence[Path]) -> list[str]:
    """Return the paths to add, each once; what lies in a folder that is added too is left out."""
    kept = list(dict.fromkeys(paths.relative(repo, path) for path in typed))
    folders = tuple(path + "/" for path in kept)
    return [path for path in kept if not path.startswith(folders)]


def refuse_unfit(repo: Repository, chosen: Sequence[str], known: Mapping[str, Pointer]) -> None:
    """Raise RequestError if what is at one of these paths cannot be versioned as it is there.

    Nothing needs to be there yet. `known` are the pointers of the work tree by path.
    """
    for path in chosen:
        _refuse_place(repo, path, known)
    _refuse_parts(chosen, known)
    _refuse_tracked(repo, chosen)
    _refuse_ignored(repo, chosen)


def _refuse_missing(repo: Repository, chosen: Sequence[str], known: Mapping[str, Pointer]) -> None:
    for path in chosen:
        if not os.path.lexists(repo.root / path):
            hint = f"get it back: mlo checkout {path}" if path in known else _near(repo, path)
            raise RequestError(f"there is nothing at '{path}'", hint=hint)


def _near(repo: Repository, path: str) -> str:
    """Return a name beside a path that is not there, or where to look for one."""
    from difflib import get_close_matches

    folder, _, name = path.rpartition("/")
    try:
        near = get_close_matches(name, os.listdir(repo.root / folder), n=1)
    except OSError:
        return _near(repo, folder)
    if near:
        return f"did you mean '{folder + '/' if folder else ''}{near[0]}'?"
    return f"ls {folder or '.'}"


def _refuse_place(repo: Repository, path: str, known: Mapping[str, Pointer]) -> None:
    name = path.rpartition("/")[2]
    if name.endswith(POINTER_SUFFIX):
        data = path.removesuffix(POINTER_SUFFIX)
        raise RequestError(f"'{path}' is a pointer, which git keeps", hint=f"mlo add {data}")
    if len(os.fsencode(name)) > _NAME_MAX_BYTES:
        raise RequestError(
            f"the name '{name[:40]}...' is too long to have a pointer beside it",
            hint="version the folder that holds it",
        )
    if path in _OURS or name in {".gitignore", ".gitattributes", ".gitmodules"}:
        raise RequestError(f"'{path}' is kept by git", hint=f"git add {path}")
    for above in PurePosixPath(path).parents:
        if str(above) in known:
            raise RequestError(
                f"'{path}' is in '{above}', which is versioned as a whole", hint=f"mlo add {above}"
            )
    for step in repo.settings.steps.values():
        for out in step.files:
            if f"{out.path}/".startswith(f"{path}/") or f"{path}/".startswith(f"{out.path}/"):
                raise RequestError(
                    f"'{path}' is made by the step '{step.name}' ('{out.path}'), which versions it",
                    hint=f"mlo run {step.name}",
                )


def _refuse_parts(chosen: Sequence[str], known: Mapping[str, Pointer]) -> None:
    """Refuse a folder with versioned data inside: its pointer would hide those in it from git."""
    for inner in known:
        for above in PurePosixPath(inner).parents:
            if str(above) in chosen:
                raise RequestError(
                    f"'{above}' holds '{inner}', which is versioned by itself",
                    hint=f"add what is in '{above}' path by path, "
                    f"or let go of it: mlo rm --cached {inner}",
                )


def _refuse_tracked(repo: Repository, chosen: Sequence[str]) -> None:
    tracked = sorted(git.is_tracked(repo.root, chosen))
    for path in chosen:
        inner = [one for one in tracked if one == path or one.startswith(path + "/")]
        if not inner:
            continue
        if inner == [path]:
            raise RequestError(
                f"'{path}' is tracked by git already", hint=f"git rm --cached {path}"
            )
        more = f" and {len(inner) - 1} more" if len(inner) > 1 else ""
        raise RequestError(
            f"'{path}' holds '{inner[0]}'{more}, which git tracks",
            hint=f"git rm -r --cached {path}",
        )


def _refuse_ignored(repo: Repository, chosen: Sequence[str]) -> None:
    """Refuse data whose pointer git would not see: its versions would travel with no commit."""
    ignored = git.is_ignored(repo.root, [pointer.file_of(path) for path in chosen])
    if ignored:
        raise RequestError(
            f"git ignores '{min(ignored)}', so the version would be in no commit",
            hint="find the line that does it, and narrow it: git check-ignore -v " + min(ignored),
        )


def _point(
    repo: Repository, found: Mapping[str, Snapshot], known: Mapping[str, Pointer]
) -> tuple[Added, ...]:
    pointers = {path: _pointer(repo, path, what, known.get(path)) for path, what in found.items()}
    few = sum(1 for path, now in pointers.items() if known.get(path) != now) <= _FEW
    for now in pointers.values():
        pointer.write(repo, now, durable=few)
    ignore_all(repo.root, found)
    if not few:
        os.sync()
    return tuple(
        Added(
            path, now.oid, now.kind, now.size, now.files, _state(known.get(path), now),
            pointer.file_of(path), _edited_import(known.get(path), now),
        )
        for path, now in pointers.items()
    )  # fmt: skip


def _pointer(repo: Repository, path: str, found: Snapshot, before: Pointer | None) -> Pointer:
    executable = found.kind == "file" and bool(os.stat(repo.root / path).st_mode & 0o100)
    source = before.source if before is not None and before.oid == found.oid else None
    return Pointer(path, found.oid, found.kind, found.size, found.files, executable, source)


def _edited_import(before: Pointer | None, now: Pointer) -> str | None:
    """Return where the version before came from, if this one is an edited copy of it."""
    if before is None or before.source is None or now.source is not None:
        return None
    return before.source.name


def _state(before: Pointer | None, now: Pointer) -> State:
    if before is None:
        return "new"
    return "unchanged" if before == now else "changed"
