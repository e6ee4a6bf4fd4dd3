"""The id of what is in the work tree: a file, or a folder as a tree of trees.

Files whose stat is as it was are not read (`core/stat_cache.py`). Given a writer, whatever is
not in the store yet goes there on the way.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from blake3 import blake3

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.read_ahead import ReadAhead
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import STAT, Block, StatCache, pack_stat, settle
from mlops_cli.data.before import Before
from mlops_cli.data.gather import Gatherer
from mlops_cli.data.listing import CACHES, list_folder, special, unreadable
from mlops_cli.data.remember import keep_single, key_of
from mlops_cli.data.unchanged import Unchanged, unchanged
from mlops_cli.errors import RequestError, StateError

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

ObjectKind = Literal["file", "folder"]
_READ_BYTES = 1024 * 1024
_SIZE_BYTES = 8
"""What comes first of what a file looks like; not there of those that may change unseen."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was found at a path: its id, and how much there is of it.

    `size` is in bytes, over all `files`; a symbolic link counts as a file.
    """

    oid: ObjectId
    kind: ObjectKind
    size: int
    files: int


def take(
    repo: Repository,
    path: Path,
    *,
    writer: "PackWriter | None" = None,
    before: ObjectId | None = None,
    advance: Callable[[int], None] | None = None,
) -> Snapshot:
    """Return the id of the file or folder at `path`, stored too when there is a writer.

    The caller must finish the writer before it names the id anywhere. `before` is the version
    that `path` held earlier: of large files only what has changed since is stored. `advance` is
    told of bytes as they are done.

    Raises:
        RequestError: there is nothing at `path`, or a link, socket, FIFO or device; below a
            folder links are kept as links.
        StateError: a file changed while it was read for a writer.
        ExternalError: a file cannot be read.
    """
    cache = repo.stat_cache
    cache.start()
    earlier = None if before is None else Before(repo, os.fsencode(path), before)
    found = _Scanner(repo, writer, earlier, advance or (lambda _: None)).take(path)
    if writer is None:
        cache.save()
    else:
        writer.afterwards(kept=cache.save, dropped=cache.forget)
    return found


def measure(path: Path) -> int:
    """Return the bytes of the files at and below a path, as far as they can be seen."""
    try:
        if not path.is_dir():
            return path.lstat().st_size
        return sum(
            measure(Path(entry.path))
            if entry.is_dir(follow_symlinks=False)
            else entry.stat(follow_symlinks=False).st_size
            for entry in os.scandir(path)
        )
    except OSError:
        return 0


def files_at(repo: Repository, path: Path) -> dict[str, tree.Entry]:
    """Return the files and links below the folder at `path`, by their path within it.

    Reads only files that have changed since they were last hashed.
    """
    return {name: entry for name, (entry, _) in looks_at(repo, path).items()}


def looks_at(repo: Repository, path: Path) -> dict[str, tuple[tree.Entry, bytes]]:
    """Return the same, each with what `is_as_it_was` tells by whether it has changed since.

    Raises:
        StateError: a file vanished meanwhile.
    """
    take(repo, path)
    root = key_of(os.fsencode(repo.root), os.fsencode(path))
    return dict(_listed(repo.stat_cache, root, path, ""))


def is_as_it_was(path: str, look: bytes | None) -> bool:
    """Return whether a file or link is as it was; where nothing was, whether nothing is."""
    try:
        now = pack_stat(os.lstat(path))
    except FileNotFoundError:
        return True
    return look is not None and now[_SIZE_BYTES:] == look[_SIZE_BYTES:]


def _listed(
    cache: StatCache, folder: bytes, path: Path, prefix: str
) -> Iterator[tuple[str, tuple[tree.Entry, bytes]]]:
    block = cache.blocks.get(folder, Block())  # none of a folder that has just been made
    for raw, (packed, key) in block.trusted().items():
        name = os.fsdecode(raw)
        mode = mode_of(STAT.unpack(packed)[4])
        try:
            size = os.lstat(path / name).st_size
        except FileNotFoundError as error:
            raise _changed(os.fsencode(path / name)) from error
        yield prefix + name, (tree.Entry(name, mode, size, ObjectId(key.hex())), packed)
    for raw in list_folder(os.fsencode(path))[1]:
        name = os.fsdecode(raw)
        yield from _listed(cache, folder + b"/" + raw, path / name, f"{prefix}{name}/")


def _changed(raw: bytes) -> StateError:
    return StateError(
        f"'{os.fsdecode(raw)}' changed while it was read",
        hint="stop what writes to it, then try again",
    )


_Found = tuple[bytes, int, int]
"""The id of a folder's tree, the bytes of all files below it, and how many there are."""


def _total(key: bytes, size: int, count: int, below: Mapping[bytes, _Found]) -> _Found:
    inner = below.values()
    return key, size + sum([size for _, size, _ in inner]), count + sum([n for _, _, n in inner])


class _Scanner:
    """Walks one path."""

    def __init__(
        self,
        repo: Repository,
        writer: "PackWriter | None",
        before: "Before | None",
        advance: Callable[[int], None],
    ) -> None:
        self._root = os.fsencode(repo.root)
        self._repo = repo
        self._writer = writer
        self._before = before
        self._advance = advance
        self._told = 0
        """Bytes of large files that were told of while they were read."""
        self._cache = repo.stat_cache
        self._unchanged = Unchanged()
        self._gatherer: Gatherer | None = None
        self._early = 0
        """Bytes of small files that were told of before their folder was come to."""

    def take(self, path: Path) -> Snapshot:
        raw = os.fsencode(path)
        try:
            status = os.lstat(raw)
        except FileNotFoundError as error:
            raise RequestError(f"there is nothing at '{path}'") from error
        except OSError as error:
            raise unreadable(error, raw) from error
        if stat.S_ISDIR(status.st_mode):
            where = key_of(self._root, raw)
            self._unchanged = unchanged(self._cache, self._root, where, ignored=CACHES)
            if self._writer is not None:
                self._gatherer = Gatherer(
                    self._repo, raw, self._is_stored, self._tell_early, before=self._writer.rest
                )
            key, size, files = self._folder(raw)
            return Snapshot(ObjectId(key.hex()), "folder", size, files)
        if not stat.S_ISREG(status.st_mode):
            raise RequestError(
                f"'{path}' is a {special(status.st_mode)}, which cannot be versioned",
                hint="name the file itself, inside the project",
            )
        key = self._single(raw, status)
        self._advance(status.st_size - self._told)
        return Snapshot(ObjectId(key.hex()), "file", status.st_size, 1)

    def _single(self, raw: bytes, status: os.stat_result) -> bytes:
        """Return the id of one file; its folder's block keeps the single files looked at."""
        folder, name = os.path.split(raw)
        where = key_of(self._root, folder)
        hit = self._cache.blocks.get(where, Block()).trusted().get(name)
        if hit and hit[0] == pack_stat(status) and self._usable(hit[1]):
            return hit[1]
        key = self._read(raw, status)
        keep_single(self._cache, where, name, pack_stat(status), ObjectId(key.hex()))
        return key

    def _folder(self, raw: bytes, level: int = 1) -> _Found:
        """Return what is in a folder; `level` is 1 for the one asked for."""
        if level > tree.MOST_NESTED:
            raise RequestError(
                f"'{os.fsdecode(raw)[:60]}...' has folders nested more than "
                f"{tree.MOST_NESTED} deep",
                hint="pack them into one file, such as a tar",
            )
        where = key_of(self._root, raw)
        block = self._cache.blocks.get(where)
        size = self._unchanged.sizes.get(where)
        below: dict[bytes, _Found] = {}
        if block is not None and size is not None and (block.stored or self._writer is None):
            for name in self._unchanged.folders[where]:
                below[name] = self._folder(raw + b"/" + name, level + 1)
            if b"".join([key for key, _, _ in below.values()]) == block.below:
                count = len(block.stats) // STAT.size
                self._advance(size)
                return _total(block.tree, size, count, below)
        return self._listed(raw, where, below, level)

    def _listed(self, raw: bytes, where: bytes, done: dict[bytes, _Found], level: int) -> _Found:
        """Return the same from a full look; `done` are the subfolders that were looked at."""
        files, folders = list_folder(raw)
        below = {
            name: done.get(name) or self._folder(raw + b"/" + name, level + 1) for name in folders
        }
        self._cache.drop(where, set(self._unchanged.folders.get(where, ())) - set(folders))
        block = self._cache.blocks.get(where)
        ids = self._ids(raw, files, block)
        key = self._tree(files, ids, below)
        names = b"\0".join([name for name, _ in files])
        tick_ns = self._cache.tick_ns
        stats = b"".join([settle(pack_stat(status), tick_ns) for _, status in files])
        subtrees = b"".join([key for key, _, _ in below.values()])
        stored = self._writer is not None or (
            block is not None and block.stored and key == block.tree
        )
        self._cache.put(where, Block(names, stats, b"".join(ids), subtrees, key, stored=stored))
        size = sum([status.st_size for _, status in files])
        return _total(key, size, len(files), below)

    def _ids(
        self, raw: bytes, files: list[tuple[bytes, os.stat_result]], block: Block | None
    ) -> list[bytes]:
        known = block.trusted() if block is not None else {}
        stored = block is not None and block.stored
        gathered = {} if self._gatherer is None else self._gatherer.seen(raw)
        ids: list[bytes] = []
        told = self._told
        prefix = raw + b"/"
        for name, status in files:
            packed = pack_stat(status)
            hit = known.get(name)
            new = gathered.get(name)
            if new and new[0] == packed:
                ids.append(new[1])
            elif hit and hit[0] == packed and (stored or self._usable(hit[1])):
                ids.append(hit[1])
            else:
                ids.append(self._read(prefix + name, status))
        size = sum([status.st_size for _, status in files]) - (self._told - told)
        early = min(size, self._early)
        self._early -= early
        self._advance(size - early)
        return ids

    def _tell_early(self, size: int) -> None:
        self._early += size
        self._advance(size)

    def _is_stored(self, raw: bytes) -> bool:
        """Return whether a folder was stored before, so that few of its files will be new."""
        block = self._cache.blocks.get(key_of(self._root, raw))
        return block is not None and block.stored

    def _tell(self, size: int) -> None:
        self._told += size
        self._advance(size)

    def _usable(self, key: bytes) -> bool:
        return self._writer is None or self._repo.objects.has(ObjectId(key.hex()))

    def _tree(
        self,
        files: list[tuple[bytes, os.stat_result]],
        ids: list[bytes],
        below: Mapping[bytes, _Found],
    ) -> bytes:
        rows = [
            (name, mode_of(status.st_mode), status.st_size, key)
            for (name, status), key in zip(files, ids, strict=True)
        ]
        rows += [(name, tree.Mode.FOLDER, size, key) for name, (key, size, _) in below.items()]
        data = tree.encode_rows(rows)
        if self._writer is not None:
            from mlops_cli.core.packs import Kind

            return self._writer.put_key(data, Kind.TREE)
        return blake3(data).digest()

    def _read(self, raw: bytes, status: os.stat_result) -> bytes:
        """Hash one file, and store it when there is a writer."""
        try:
            if stat.S_ISLNK(status.st_mode):
                return self._put(os.readlink(raw))
            handle = os.open(raw, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                key = self._put_open(handle, raw, status.st_size)
                after = os.fstat(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise unreadable(error, raw) from error
        if self._writer is not None and pack_stat(after) != pack_stat(status):
            raise _changed(raw)
        return key

    def _put(self, data: bytes) -> bytes:
        if self._writer is not None:
            return self._writer.put_key(data)
        return blake3(data).digest()

    def _put_open(self, handle: int, raw: bytes, size: int) -> bytes:
        if self._writer is not None:
            like = self._before.find(raw, size) if self._before is not None else None
            return self._writer.put_handle(handle, size, like=like, advance=self._tell)[0]
        if size <= _READ_BYTES:
            data = os.read(handle, size + 1)
            if len(data) == size:
                return blake3(data).digest()
            os.lseek(handle, 0, os.SEEK_SET)
        hasher = blake3(max_threads=1)  # more cost twice as much for slices of a file
        for piece in ReadAhead(size).slices(lambda buffer: os.readv(handle, [buffer]), size):
            hasher.update(piece)
        return hasher.digest()


def mode_of(mode: int) -> tree.Mode:
    """Return what a tree calls a file or link of this `st_mode`."""
    if stat.S_ISLNK(mode):
        return tree.Mode.SYMLINK
    return tree.Mode.EXECUTABLE if mode & 0o100 else tree.Mode.FILE
