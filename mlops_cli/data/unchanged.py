"""Which folders look just as the stat cache says, seen by several processes at once.

Most of `status` is asking the file system about files that nobody has touched. Each folder can be
compared with its block by itself, so they are shared out; what differs is looked at again, in full,
by who asked.
"""

import os
from array import array
from collections.abc import Callable, Mapping, Sequence

from mlops_cli.core import workers
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.stat_cache import STAT, Block, StatCache

_WORTH_A_PROCESS = 5_000
"""How many files pay for a process more."""

_CHANGED = -1


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The folders that are as they were, by the names that the stat cache has for them.

    Attributes:
        sizes: bytes of the files right in each folder.
        folders: names of the subfolders that each folder had, sorted; also of changed ones.
    """

    sizes: Mapping[bytes, int] = field(default_factory=dict)
    folders: Mapping[bytes, Sequence[bytes]] = field(default_factory=dict)


def unchanged(
    cache: StatCache, root: bytes, folder: bytes, *, ignored: frozenset[bytes]
) -> Unchanged:
    """Return which folders at and below `folder` have in them what they had.

    `root` is the project's folder; subfolders whose names are in `ignored` do not count.
    """
    prefix = b"" if folder == b"." else folder + b"/"
    known = [
        (name, block)
        for name, block in cache.blocks.items()
        if block.tree and (name == folder or name.startswith(prefix))
    ]
    folders: dict[bytes, list[bytes]] = {name: [] for name, _ in known}
    for name, _ in known:
        above, _, last = name.rpartition(b"/")
        if name not in (folder, b"."):
            folders.setdefault(above or b".", []).append(last)
    for names in folders.values():
        names.sort()

    def work(part: Sequence[tuple[bytes, Block]], _: Callable[[int], None]) -> bytes:
        found = array("q")
        for name, block in part:
            path = root if name == b"." else root + b"/" + name
            found.append(_size_if_same(path, block, folders[name], ignored))
        return found.tobytes()

    files = sum(len(block.stats) for _, block in known) // STAT.size
    parts = _parts(known, workers.helpful(files, least=_WORTH_A_PROCESS))
    sizes: dict[bytes, int] = {}
    for part, answer in zip(parts, workers.share(parts, work, lambda _: None), strict=True):
        for (name, _), size in zip(part, array("q", answer), strict=True):
            if size != _CHANGED:
                sizes[name] = size
    return Unchanged(sizes, folders)


def _parts(known: Sequence[tuple[bytes, Block]], count: int) -> list[Sequence[tuple[bytes, Block]]]:
    """Return `count` runs of folders with about as many files in each."""
    share = sum(len(block.stats) for _, block in known) / count
    parts: list[Sequence[tuple[bytes, Block]]] = []
    start, held = 0, 0
    for at, (_, block) in enumerate(known, 1):
        held += len(block.stats)
        if held >= share * (len(parts) + 1) and len(parts) < count - 1:
            parts.append(known[start:at])
            start = at
    return [*parts, known[start:]]


def _size_if_same(
    path: bytes, block: Block, folders: Sequence[bytes], ignored: frozenset[bytes]
) -> int:
    """Return how many bytes the files of a folder have if all is as the block says."""
    try:
        found = None if folders else _flat(path, block.names)
        if found is None:
            found = _mixed(path, block.names, folders, ignored)
    except OSError:
        return _CHANGED
    if found is None:
        return _CHANGED
    pack = STAT.pack
    stats = b"".join(
        [
            pack(one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino, one.st_mode)
            for one in found
        ]
    )
    return sum([one.st_size for one in found]) if stats == block.stats else _CHANGED


def _flat(path: bytes, names: bytes) -> list[os.stat_result] | None:
    """Return the stats of a folder's files if it has just these names, the cheapest way."""
    found = sorted(os.listdir(path))
    if b"\0".join(found) != names:
        return None
    stat = os.stat
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return [stat(name, dir_fd=folder, follow_symlinks=False) for name in found]
    finally:
        os.close(folder)


def _mixed(
    path: bytes, names: bytes, folders: Sequence[bytes], ignored: frozenset[bytes]
) -> list[os.stat_result] | None:
    """Return the same of a folder that has just these files and subfolders."""
    files: list[tuple[bytes, os.stat_result]] = []
    inner: list[bytes] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in ignored:
                    inner.append(entry.name)
            else:
                files.append((entry.name, entry.stat(follow_symlinks=False)))
    files.sort(key=lambda one: one[0])
    inner.sort()
    if inner != folders or b"\0".join([name for name, _ in files]) != names:
        return None
    return [one for _, one in files]
