"""Making a folder of a version where nothing is: aside, by several processes, then moved there.

Nobody looks at the folder before it is moved, so a file is made by as few system calls as git
makes: open in its folder, write, stat, close.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mlops_cli.core import tree, workers
from mlops_cli.core.files import outside, staging
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import STAT, Block, pack_stat, settle_all
from mlops_cli.data.remember import key_of
from mlops_cli.data.write import write
from mlops_cli.errors import MissingObject

_WORTH_A_PROCESS = 2_000
"""How many files pay for a process more."""

_TELL_BYTES = 256 * 1024
"""What is done is told after so many bytes."""

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Folder:
    """What is to be in one folder; `path`, from the target on, ends in a slash or is empty."""

    path: bytes
    key: bytes
    files: list[tree.Row]
    folders: list[tree.Row]


Part = list[tuple[bytes, list[tree.Row]]]
"""Folders, and files that are to be made in them."""


def make(
    repo: Repository, oid: ObjectId, target: Path, progress: Progress, *, remembered: bool = False
) -> int:
    """Make the folder `target`, where nothing is, hold what the tree `oid` says; return its files.

    If `remembered`, the stat cache is told, so that nothing of it need be read again.

    Raises:
        MissingObject: an object that is needed is not in this store; nothing was made.
        IntegrityError: a stored object is damaged; nothing is at `target`.
        ExternalError: the file system refuses.
    """
    folders = _folders(repo, oid)
    _refuse_absent(repo, folders)
    files = sum([len(one.files) for one in folders])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = staging(target.parent, repo.layout.tmp)
        building = aside / f".mlo-restore-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            building.mkdir()
            stats = _fill(repo, building, folders, files, progress, target.name)
            os.rename(building, target)
        except BaseException:
            import shutil

            shutil.rmtree(building, ignore_errors=True)
            raise
    except OSError as error:
        raise outside(error, target) from error
    if remembered:
        _remember(repo, key_of(os.fsencode(repo.root), os.fsencode(target)), folders, stats)
    return files


def _folders(repo: Repository, oid: ObjectId) -> list[Folder]:
    """Return the folder and all below it, each after the one that holds it."""
    root = bytes.fromhex(oid)
    held = tree.rows_below(repo.objects, root)
    found: list[Folder] = []
    waiting = [(b"", root)]
    while waiting:
        path, key = waiting.pop()
        folders = [row for row in held[key] if row[1] is tree.Mode.FOLDER]
        files = (
            [row for row in held[key] if row[1] is not tree.Mode.FOLDER] if folders else held[key]
        )
        found.append(Folder(path, key, files, folders))
        waiting += [(path + name + b"/", below) for name, _, _, below in reversed(folders)]
    return found


def _refuse_absent(repo: Repository, folders: Sequence[Folder]) -> None:
    absent = repo.objects.absent_keys({key for one in folders for _, _, _, key in one.files})
    if not absent:
        return
    missing = [
        os.fsdecode(one.path + name)
        for one in folders
        for name, _, _, key in one.files
        if key in absent
    ]
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    raise MissingObject(
        f"the content of '{missing[0]}'{more} is not in this store", hint="mlo fetch"
    )


def _fill(
    repo: Repository,
    building: Path,
    folders: Sequence[Folder],
    files: int,
    progress: Progress,
    name: str,
) -> bytes:
    """Make all folders and files; return what each file looks like, as `pack_stat` has it."""
    raw = os.fsencode(building) + b"/"
    for one in folders[1:]:
        os.mkdir(raw + one.path)
    count = workers.helpful(files, least=_WORTH_A_PROCESS)
    parts = workers.parts([(raw + one.path, one.files) for one in folders], count)
    total = sum([size for one in folders for _, _, size, _ in one.files])

    def work(part: Part, advance: Callable[[int], None]) -> bytes:
        return b"".join(_write(repo, part, advance))

    with progress.task(f"writing {name}", total, "B") as advance:
        return b"".join(workers.share(parts, work, advance))


def _write(repo: Repository, part: Part, advance: Callable[[int], None]) -> Iterator[bytes]:
    contents = repo.objects.contents_of([key for _, rows in part for _, _, _, key in rows])
    done = 0
    for path, rows in part:
        folder = os.open(path, _OPEN)
        try:
            for name, mode, size, key in rows:
                yield pack_stat(write(repo, name, mode, key, next(contents), folder=folder))
                done += size
                if done >= _TELL_BYTES:
                    advance(done)
                    done = 0
        finally:
            os.close(folder)
    advance(done)


def _remember(repo: Repository, where: bytes, folders: Sequence[Folder], stats: bytes) -> None:
    """Tell the stat cache what all looked like right after; what somebody did since is seen."""
    cache = repo.stat_cache
    cache.start()
    at = 0
    for one in folders:
        end = at + len(one.files) * STAT.size
        block = Block(
            b"\0".join([name for name, _, _, _ in one.files]),
            settle_all(stats[at:end], cache.tick_ns),
            b"".join([key for _, _, _, key in one.files]),
            b"".join([key for _, _, _, key in one.folders]),
            one.key,
            stored=True,
        )
        cache.put(where + b"/" + one.path[:-1] if one.path else where, block)
        at = end
    cache.save()
