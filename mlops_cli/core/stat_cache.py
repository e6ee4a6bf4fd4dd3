"""What the work tree's files looked like when they were last hashed.

A file whose size, times, inode and mode are as they were has the bytes it had, so `status` need
not read it. One binary file holds a block per folder and is replaced whole; it is a cache, and
a damaged one counts as empty. `docs/design/format.md` specifies it.

A file that changed in the same tick of the file system's clock in which it was read could change
again unseen; such an entry is kept with a size that no file has, so that it is read again
(git's rule for racy timestamps).
"""

import os
import struct
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from mlops_cli.core.files import write_whole
from mlops_cli.core.records import dataclass
from mlops_cli.core.writing import AGE_BYTES

HEADER = b"MLOSTAT\x02"
STAT = struct.Struct("<QqqQI")
"""Size, mtime_ns, ctime_ns, inode and mode of one file."""

UNTRUSTED = (1 << 64) - 1
_BLOCK = struct.Struct("<IIIIB")
_DIGEST_BYTES = 32


@dataclass(slots=True)
class Block:
    """The files of one folder, in the order of their names' bytes.

    Attributes:
        names: the names, joined by NUL bytes.
        stats: a `STAT` for each.
        ids: 32 bytes for each.
        below: id of each subfolder's tree, 32 bytes each, in the order of their names.
        tree: the folder's tree, 32 bytes, or empty when the block holds only some files.
        stored: whether all of it is known to be in the object store.
    """

    names: bytes = b""
    stats: bytes = b""
    ids: bytes = b""
    below: bytes = b""
    tree: bytes = b""
    stored: bool = False

    def trusted(self) -> dict[bytes, tuple[bytes, bytes]]:
        """Return stat and id of each file by its name."""
        if not self.names:
            return {}
        size = STAT.size
        return {
            name: (self.stats[i * size : (i + 1) * size], self.ids[i * 32 : (i + 1) * 32])
            for i, name in enumerate(self.names.split(b"\0"))
        }


class StatCache:
    """The blocks by folder, as the bytes of the folder's path within the project."""

    def __init__(self, path: Path, age: bytes = b"") -> None:
        """`age` is the store's, see `core/writing.py`: what is stored was so at that age."""
        self._path = path
        self._age = age
        self._changed = False
        self._held = False
        self.blocks = _load(path, age)
        self.tick_ns = 0

    def forget(self) -> None:
        """Go back to what is on disk: something that was kept has turned out not to hold."""
        self.blocks = _load(self._path, self._age)
        self._changed = False

    def doubt(self, age: bytes) -> None:
        """Believe no more that anything is stored: objects went, and `age` is the store's now."""
        self._age = age
        for block in self.blocks.values():
            block.stored = False

    def start(self) -> None:
        """Note the file system's present tick: what changed before it cannot change unseen."""
        self.tick_ns = _tick(self._path)

    def put(self, folder: bytes, block: Block) -> None:
        """Keep a block."""
        self.blocks[folder] = block
        self._changed = True

    def drop(self, folder: bytes, names: Collection[bytes]) -> None:
        """Forget subfolders that are gone, with all below them."""
        if not names:
            return
        above = b"" if folder == b"." else folder + b"/"
        gone = tuple(above + name + b"/" for name in names)
        for one in [one for one in self.blocks if (one + b"/").startswith(gone)]:
            del self.blocks[one]
        self._changed = True

    @contextmanager
    def saved_once(self) -> Iterator[None]:
        """Replace the file at the end of a `with` block only, for one who asks often in it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self.save()

    def save(self) -> None:
        """Replace the file, if a block was kept. Never fails the caller: it is a cache."""
        from mlops_cli.errors import ExternalError

        if not self._changed or self._held:
            return
        try:
            write_whole(self._path, self._encoded(), durable=False)
        except ExternalError:
            return
        self._changed = False

    def _encoded(self) -> Iterator[bytes]:
        """Yield the bytes of the file, a block at a time."""
        hasher = blake3(max_threads=1)
        head = HEADER + self._age.ljust(AGE_BYTES, b"\0")
        hasher.update(head)
        yield head
        for folder, block in self.blocks.items():
            files = len(block.stats) // STAT.size
            flags = (1 if block.stored else 0) | (2 if block.tree else 0)
            sizes = _BLOCK.pack(
                len(folder), len(block.names), files, len(block.below) // _DIGEST_BYTES, flags
            )
            fields = (block.names, block.stats, block.ids, block.below, block.tree)
            part = b"".join((sizes, folder, *fields))
            hasher.update(part)
            yield part
        yield hasher.digest()


def pack_stat(status: os.stat_result) -> bytes:
    """Return the `STAT` bytes of a file."""
    return STAT.pack(
        status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode
    )


def settle(stat: bytes, tick_ns: int) -> bytes:
    """Return `stat`, made to match no file if the file changed at `tick_ns` or later."""
    _size, mtime_ns, ctime_ns, inode, mode = STAT.unpack(stat)
    if mtime_ns < tick_ns and ctime_ns < tick_ns:
        return stat
    return STAT.pack(UNTRUSTED, mtime_ns, ctime_ns, inode, mode)


def settle_all(stats: bytes, tick_ns: int) -> bytes:
    """Return the stats of many files, each as `settle` makes it."""
    newest = max(
        [max(mtime, ctime) for _, mtime, ctime, _, _ in STAT.iter_unpack(stats)], default=0
    )
    if newest < tick_ns:
        return stats
    size = STAT.size
    each = [stats[at : at + size] for at in range(0, len(stats), size)]
    return b"".join([settle(one, tick_ns) for one in each])


def _tick(path: Path) -> int:
    """Return the file system's clock now, as it would stamp a file that changes."""
    probe = path.with_name("tmp") / f"tick-{os.getpid()}-{threading.get_ident()}"
    try:
        handle = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.utime(handle)
            return os.fstat(handle).st_mtime_ns
        finally:
            os.close(handle)
            probe.unlink(missing_ok=True)
    except OSError:
        return time.time_ns() - 2_000_000_000


def _load(path: Path, age: bytes) -> dict[bytes, Block]:
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    body = memoryview(data)[:-_DIGEST_BYTES]
    if data[: len(HEADER)] != HEADER or blake3(body).digest() != data[-_DIGEST_BYTES:]:
        return {}
    blocks: dict[bytes, Block] = {}
    at, end = len(HEADER) + AGE_BYTES, len(body)
    of_now = data[len(HEADER) : at] == age.ljust(AGE_BYTES, b"\0")
    while at < end:
        length, names, files, below, flags = _BLOCK.unpack_from(data, at)
        at += _BLOCK.size
        folder, at = data[at : at + length], at + length
        fields: list[bytes] = []
        tree_bytes = 32 if flags & 2 else 0
        for width in (names, files * STAT.size, files * 32, below * 32, tree_bytes):
            fields.append(data[at : at + width])
            at += width
        file_names, stats, ids, subtrees, tree = fields
        blocks[folder] = Block(file_names, stats, ids, subtrees, tree, of_now and bool(flags & 1))
    return blocks
