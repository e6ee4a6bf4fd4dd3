"""What steps write: cleared before a step runs, stored after, brought back from the store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

from mlops_cli.core import tree
from mlops_cli.core.config_steps import Out, Step
from mlops_cli.core.files import outside
from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.lockfile import LockedOutput
from mlops_cli.core.objects import Kind
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import ignore as ignoring
from mlops_cli.data import paths, pointer, snapshot
from mlops_cli.data.restore import restore
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.places import above
from mlops_cli.runs.record import Artifact, ObjectKind

_FREE: WeakKeyDictionary[Repository, set[str]] = WeakKeyDictionary()
"""Outputs that git does not track, by repository: asked once, since a sweep runs one step often."""


def check_places(repo: Repository, steps: Iterable[Step]) -> None:
    """Raise RequestError if an output that the store is to keep is kept by somebody else."""
    from mlops_cli.core import git

    outs = {out.path: step.name for step in steps for out in step.files if out.cache}
    for path, step in outs.items():
        if (repo.root / pointer.file_of(path)).exists():
            raise RequestError(
                f"'{path}' is an output of step '{step}', but has a pointer, as data has",
                hint=f"git rm {pointer.file_of(path)}",
            )
    free = _FREE.setdefault(repo, set())
    asked = [path for path in outs if path not in free]
    for held in sorted(git.is_tracked(repo.root, asked)) if asked else ():
        path = next(one for one in (held, *above(held)) if one in outs)
        raise RequestError(
            f"'{held}' is an output of step '{outs[path]}', but git tracks it",
            hint=f"git rm -r --cached {path}, or let git keep it: outs: [{path}: {{cache: false}}]",
        )
    free.update(asked)


@dataclass(frozen=True, slots=True)
class Saved:
    """What was in the way of a step and is in the store now.

    `file` is the path of a file within, for a folder.
    """

    path: str
    oid: ObjectId
    file: str | None = None

    @property
    def note(self) -> str:
        """What was kept, and what brings it back."""
        inner = f"/{self.file}" if self.file else ""
        into = self.file.rpartition("/")[2] if self.file else self.path.rpartition("/")[2]
        back = f"mlo cat {short(self.oid)}{inner} > {into}.before"
        return f"kept what was at '{self.path}' before; to get it back: {back}"


def save_all(repo: Repository, step: Step, made: Mapping[str, LockedOutput]) -> Iterator[Saved]:
    """Put into the store what is at the outputs of a step and in no store, and yield it.

    `made` is what the pipeline last made there.
    """
    for out in step.files:
        known = made[out.path].oid if out.path in made else None
        saved = save(repo, out.path, known)
        if saved is not None:
            yield saved


def save(repo: Repository, path: str, known: ObjectId | None) -> Saved | None:
    """Put what is at an output's path into the store; None when all of it is there already.

    `known` is what the pipeline last made there.

    Raises:
        MloError: it cannot be stored.
    """
    target = paths.locate(repo, path)
    if not _exists(target) or target.is_symlink():
        return None
    found = snapshot.take(repo, target)
    if found.oid == known or (unsaved := _unsaved(repo, target, found)) is None:
        return None
    with repo.objects.writer() as writer:
        oid = snapshot.take(repo, target, writer=writer).oid
    return Saved(path, oid, unsaved or None)


def _unsaved(repo: Repository, target: Path, found: snapshot.Snapshot) -> str | None:
    """Return a file of a folder that is in no store, "" for the file at `target`; None for none."""
    if found.kind == "file":
        return None if repo.objects.has(found.oid) else ""
    for inner, entry in snapshot.files_at(repo, target).items():
        if entry.mode is not tree.Mode.SYMLINK and not repo.objects.has(entry.oid):
            return inner
    return None


def clear(repo: Repository, path: str) -> None:
    """Remove what is at an output's path, which is in the store or nobody's work."""
    target = paths.locate(repo, path)
    try:
        if target.is_dir() and not target.is_symlink():
            import shutil

            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
    except OSError as error:
        raise outside(error, target) from error


def ignore(repo: Repository, steps: Iterable[Step]) -> None:
    """Have git ignore the outputs of steps that the store keeps."""
    ignoring.ignore_all(repo.root, [out.path for step in steps for out in step.files if out.cache])


def prepare(repo: Repository, path: str) -> None:
    """Make the folder that an output goes to."""
    target = paths.locate(repo, path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise outside(error, target.parent) from error


def keep(
    repo: Repository,
    outs: Sequence[Out],
    step: str,
    writer: PackWriter,
    *,
    before: Mapping[str, LockedOutput],
) -> dict[str, Artifact]:
    """Put what is there of a step's outputs into the store, and return it by path.

    Of those that the store does not keep only the id is taken. `before` is what the step made when
    it last ran.
    """
    kept = {}
    for out in outs:
        target = paths.locate(repo, out.path)
        if _exists(target):
            earlier = before[out.path].oid if out.path in before else None
            into = writer if out.cache else None
            taken = snapshot.take(repo, target, writer=into, before=earlier)
            kept[out.path] = Artifact(out.path, taken.oid, taken.kind, taken.size, step)
    return kept


def put(repo: Repository, path: str, oid: ObjectId) -> None:
    """Put a version of a file or folder at a path that git is not to track."""
    target = paths.locate(repo, path)
    prepare(repo, path)
    ignoring.ignore(repo.root, path)
    kind: ObjectKind = "folder" if repo.objects.kind(oid) is Kind.TREE else "file"
    if _current(repo, target) != oid:
        restore(repo, oid, kind, target, force=True)


def bring_back(repo: Repository, out: Artifact) -> None:
    """Make an output what it was in an earlier run; what is there is in the store, or nobody's."""
    target = paths.locate(repo, out.path)
    prepare(repo, out.path)
    if _current(repo, target) != out.oid:
        restore(repo, out.oid, out.kind, target, force=True)


def _current(repo: Repository, target: Path) -> ObjectId | None:
    if not _exists(target) or target.is_symlink():
        return None
    return snapshot.take(repo, target).oid


def _exists(target: Path) -> bool:
    return target.exists() or target.is_symlink()
