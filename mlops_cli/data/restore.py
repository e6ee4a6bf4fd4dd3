"""Make a path of the work tree hold exactly what an object says.

Nothing that is in no store is overwritten or removed unless forced. A file appears whole; a
folder that was not there appears whole.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from mlops_cli.core import tree, workers
from mlops_cli.core.files import outside, staging
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import STAT, pack_stat
from mlops_cli.data import new_folder, snapshot
from mlops_cli.data.remember import remember
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.data.write import write
from mlops_cli.errors import Conflict, MissingObject


@dataclass(frozen=True, slots=True)
class Restored:
    """How many files were written and removed."""

    written: int
    removed: int


def restore(
    repo: Repository,
    oid: ObjectId,
    kind: ObjectKind,
    target: Path,
    *,
    force: bool = False,
    progress: Progress = SILENT,
) -> Restored:
    """Make `target`, a path inside the project, hold what `oid` names.

    Raises:
        Conflict: that would overwrite or remove content that is in no store, and not `force`.
        MissingObject: an object that is needed is not in this store; nothing was changed.
        IntegrityError: a stored object is damaged; the file it was for is as it was.
        ExternalError: the file system refuses.
    """
    if kind == "folder" and not os.path.lexists(target):
        return Restored(new_folder.make(repo, oid, target, progress, remembered=True), 0)
    trees = _trees(repo, oid, kind)
    wanted = _wanted(repo, oid, trees)
    present = _present(repo, target)
    if present is None:
        written, removed = _create(repo, target, wanted, progress), 0
    else:
        written, removed = _change(repo, kind, target, wanted, present, progress, force=force)
    if written or removed or present is None:
        remember(repo, target, oid, kind, written, trees)
    return Restored(len(written), removed)


def write_out(repo: Repository, oid: ObjectId, kind: ObjectKind, target: Path) -> None:
    """Write what `oid` names to a path where nothing is, which may be outside the work tree.

    Raises:
        MissingObject, IntegrityError, ExternalError: as of `restore`.
    """
    if kind == "folder":
        new_folder.make(repo, oid, target, SILENT)
    else:
        _create(repo, target, _wanted(repo, oid, {}), SILENT)


def clear(repo: Repository, folder: Path) -> None:
    """Remove all that is in a folder of the project and in a store.

    Raises:
        Conflict: there is content in it that is in no store, or somebody changes it.
        ExternalError: the file system refuses.
    """
    _change(repo, "folder", folder, {}, snapshot.looks_at(repo, folder), SILENT, force=False)


_Listing = Mapping[str, tree.Entry]
_Present = Mapping[str, tuple[tree.Entry, bytes]]
"""What is there, each with what it looked like, to see whether somebody changes it meanwhile."""

_Looks = Mapping[str, bytes] | None
"""What was there looked like, by its path; None where it may be lost."""

_Written = Mapping[str, bytes]
"""What each file looked like right after it was written, as `pack_stat` has it, by its path."""

_WORTH_A_PROCESS = 2_000
"""How many files pay for a process more."""

_ITSELF = ""
"""The path, within a target that is a single file, of that file."""


def _trees(repo: Repository, oid: ObjectId, kind: ObjectKind) -> tree.Held:
    """Return the tree and all below it; none of a single file."""
    return tree.below(repo.objects, oid) if kind == "folder" else {}


def _wanted(repo: Repository, oid: ObjectId, trees: tree.Held) -> _Listing:
    if oid not in trees:
        entry = tree.Entry(_ITSELF, tree.Mode.FILE, repo.objects.size(oid), oid)
        return {_ITSELF: entry}
    listing = dict(tree.walk_held(trees, oid))
    absent = repo.objects.absent(entry.oid for entry in listing.values() if _is_file(entry))
    if absent:
        missing = [path for path, entry in listing.items() if bytes.fromhex(entry.oid) in absent]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MissingObject(
            f"the content of '{missing[0]}'{more} is not in this store", hint="mlo fetch"
        )
    return listing


def _present(repo: Repository, target: Path) -> _Present | None:
    """Return what is at `target`, without folders; None when there is nothing."""
    try:
        status = os.lstat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        return snapshot.looks_at(repo, target)
    if stat.S_ISLNK(status.st_mode):
        from mlops_cli.core.ids import object_id

        oid = object_id(os.fsencode(os.readlink(target)))
        entry = tree.Entry(_ITSELF, tree.Mode.SYMLINK, status.st_size, oid)
    else:
        found = snapshot.take(repo, target)
        entry = tree.Entry(_ITSELF, tree.Mode.FILE, found.size, found.oid)
    return {_ITSELF: (entry, pack_stat(status))}


def _create(repo: Repository, target: Path, wanted: _Listing, progress: Progress) -> _Written:
    """Write a file to a path where nothing is."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return _write_all(repo, target, wanted, progress, looks={})
    except OSError as error:
        raise outside(error, target) from error


def _change(
    repo: Repository,
    kind: ObjectKind,
    target: Path,
    wanted: _Listing,
    before: _Present,
    progress: Progress,
    *,
    force: bool,
) -> tuple[_Written, int]:
    present = {path: entry for path, (entry, _) in before.items()}
    looks = None if force else {path: look for path, (_, look) in before.items()}
    gone = [path for path, entry in present.items() if not _same(wanted.get(path), entry)]
    if not force:
        _refuse_loss(repo, target, [(path, present[path]) for path in gone])
    removed = [path for path in gone if not _is_file(wanted.get(path))]
    missing = {path: entry for path, entry in wanted.items() if not _same(entry, present.get(path))}
    try:
        for path in removed:
            here = target / path if path else target
            _refuse_edited(here, path, looks)
            here.unlink(missing_ok=True)
        is_folder = target.is_dir() and not target.is_symlink()
        if is_folder:
            _remove_empty(target, {path for path, one in wanted.items() if not _is_file(one)})
            if kind == "file":
                target.rmdir()
        if kind == "folder":
            target.mkdir(exist_ok=True)
        written = _write_all(repo, target, missing, progress, looks=looks)
    except OSError as error:
        raise outside(error, target) from error
    return written, len(removed)


def _same(one: tree.Entry | None, other: tree.Entry | None) -> bool:
    return one is not None and other is not None and one.oid == other.oid and one.mode == other.mode


def _is_file(entry: tree.Entry | None) -> bool:
    return entry is not None and entry.mode is not tree.Mode.FOLDER


def _refuse_loss(repo: Repository, target: Path, going: list[tuple[str, tree.Entry]]) -> None:
    lost = [
        path
        for path, entry in going
        if entry.mode is not tree.Mode.SYMLINK and not repo.objects.has(entry.oid)
    ]
    if lost:
        name = (target / lost[0] if lost[0] else target).relative_to(repo.root)
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise Conflict(
            f"'{name}'{more} holds work that is in no store and would be lost",
            hint=f"keep it: mlo add {target.relative_to(repo.root)}, or give it up: --force",
        )


def _refuse_edited(here: Path, path: str, looks: _Looks) -> None:
    """Refuse to overwrite or remove what somebody has changed since it was looked at."""
    if looks is not None and not snapshot.is_as_it_was(os.fspath(here), looks.get(path)):
        raise Conflict(
            f"'{here}' was changed while its version was checked out",
            hint="see what differs now: mlo status",
        )


def _remove_empty(folder: Path, keep: set[str], prefix: str = "") -> None:
    """Remove the folders below `folder` that are empty and not in `keep`."""
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            path = prefix + entry.name
            _remove_empty(Path(entry.path), keep, path + "/")
            if path not in keep and not os.listdir(entry.path):
                os.rmdir(entry.path)


def _write_all(
    repo: Repository,
    target: Path,
    wanted: _Listing,
    progress: Progress,
    *,
    looks: _Looks,
) -> _Written:
    """Write what is wanted, each file whole at once."""
    files = [(path, entry) for path, entry in wanted.items() if _is_file(entry)]
    for path, entry in wanted.items():
        if entry.mode is tree.Mode.FOLDER:
            (target / path).mkdir(exist_ok=True)

    def work(part: slice, advance: Callable[[int], None]) -> bytes:
        return b"".join(_exchange(repo, target, files[part], advance, looks))

    total = sum(entry.size for _, entry in files)
    count = workers.helpful(len(files), least=_WORTH_A_PROCESS)
    with progress.task(f"writing {target.name}", total, "B") as advance:
        stats = b"".join(workers.share(_parts(len(files), count), work, advance))
    size = STAT.size
    return {path: stats[at * size : (at + 1) * size] for at, (path, _) in enumerate(files)}


def _parts(total: int, count: int) -> list[slice]:
    """Return `count` ranges that cover `total` files; neighbours stay together."""
    edges = [total * at // count for at in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(edges)]


def _exchange(
    repo: Repository,
    target: Path,
    files: Sequence[tuple[str, tree.Entry]],
    advance: Callable[[int], None],
    looks: _Looks,
) -> Iterator[bytes]:
    """Write files in a room beside, then move each to its place; yield what each looks like."""
    rooms: dict[Path, Path] = {}
    for path, entry in files:
        here = target / path if path else target
        if here.parent not in rooms:
            rooms[here.parent] = staging(here.parent, repo.layout.tmp)
        refuse = partial(_refuse_edited, here, path, looks)
        yield pack_stat(_replace(repo, here, entry, rooms[here.parent], refuse))
        advance(entry.size)


def _replace(
    repo: Repository, path: Path, entry: tree.Entry, room: Path, refuse: Callable[[], None]
) -> os.stat_result:
    """Write one file or link in `room`, then move it to its place; return what it looks like."""
    beside = room / f".mlo-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        write(repo, os.fsencode(beside), entry.mode, bytes.fromhex(entry.oid))
        refuse()
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return os.lstat(path)
