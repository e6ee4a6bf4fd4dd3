"""Storing many small files by several processes at once.

Each process reads the small files of some folders, and writes packs of its own. What comes back
is what was seen of each file, and its id; who asked looks at all of it once more, so a file that
has changed meanwhile is noticed. Large files are left to who asked.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mlops_cli.core import workers
from mlops_cli.core.stat_cache import STAT, pack_stat
from mlops_cli.data.listing import CACHES

if TYPE_CHECKING:
    from mlops_cli.core.claims import Claims
    from mlops_cli.core.pack_writer import PackWriter
    from mlops_cli.core.packs import Kind
    from mlops_cli.core.repository import Repository

_WORTH_A_PROCESS = 2_000
"""How many files pay for a process more."""

_ROW = STAT.size + 32
_MISSING = bytes(_ROW)

_BATCH = 50_000
"""How many files are stored before who asked goes on: what is known of them is kept till then."""

Seen = dict[bytes, tuple[bytes, bytes]]
"""The packed stat and the 32-byte id of files by name."""

_Folder = tuple[bytes, list[bytes]]


class Gatherer:
    """Stores the small files below a folder ahead of who asks for them, folder by folder."""

    def __init__(
        self,
        repo: "Repository",
        raw: bytes,
        known: Callable[[bytes], bool],
        advance: Callable[[int], None],
        *,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin at the folder `raw`; pass over folders of which `known` is true.

        Who asked knows which files of those are new. `before` is called before each fork.
        """
        self._repo = repo
        self._before = before
        self._advance = advance
        self._ahead = (one for one in _walk(raw) if not known(one[0]))
        self._next = next(self._ahead, None)
        self._found: dict[bytes, list[tuple[list[bytes], memoryview]]] = {}

    def seen(self, folder: bytes) -> Seen:
        """Return the files of a folder that were stored; each folder can be asked for once.

        Folders must be asked for in the order in which their subfolders come before them.
        """
        if folder not in self._found:
            self._gather(folder)
        seen: Seen = {}
        for names, rows in self._found.pop(folder, ()):
            for at, name in enumerate(names):
                row = bytes(rows[at * _ROW : (at + 1) * _ROW])
                if row != _MISSING:
                    seen[name] = row[: STAT.size], row[STAT.size :]
        return seen

    def _gather(self, folder: bytes) -> None:
        """Store the next batch of files, if it begins with this folder."""
        batch: list[_Folder] = []
        count = 0
        if self._next is None or self._next[0] != folder:
            return
        while self._next is not None and count < _BATCH:
            batch.append(self._next)
            count += len(self._next[1])
            self._next = next(self._ahead, None)
        self._before()
        processes = workers.helpful(count, least=_WORTH_A_PROCESS)
        if processes > 1:
            self._store(batch, count, processes)

    def _store(self, batch: list[_Folder], count: int, processes: int) -> None:
        from mlops_cli.core.claims import Claims

        claims = Claims(count)

        def work(part: Sequence[_Folder], tell: Callable[[int], None]) -> bytes:
            return _store(self._repo, part, claims, tell)

        parts = workers.parts(batch, processes)
        answers = workers.share(parts, work, self._advance)
        self._repo.objects.refresh()
        for part, answer in zip(parts, answers, strict=True):
            at, rows = 0, memoryview(answer)
            for folder, names in part:
                end = at + len(names) * _ROW
                self._found.setdefault(folder, []).append((names, rows[at:end]))
                at = end


def _walk(raw: bytes) -> Iterator[_Folder]:
    """Yield the files of each folder below, and of `raw`, after those of its subfolders."""
    names: list[bytes] = []
    inner: list[bytes] = []
    try:
        with os.scandir(raw) as entries:
            for entry in entries:
                (inner if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
    except OSError:
        return  # who asked will see the same, and say so
    for name in sorted(inner):
        if name not in CACHES:
            yield from _walk(raw + b"/" + name)
    if names:
        yield raw, names


def _store(
    repo: "Repository", folders: Sequence[_Folder], claims: "Claims", tell: Callable[[int], None]
) -> bytes:
    from mlops_cli.core.codec import WHOLE_MAX
    from mlops_cli.core.pack_writer import PackWriter

    def knows(key: bytes, kind: "Kind") -> bool:
        return repo.objects.knows(key, kind) or not claims.take(key)

    writer = PackWriter(repo.layout.packs, repo.layout.tmp, knows=knows)
    rows: list[bytes] = []
    try:
        for folder, names in folders:
            size = 0
            for name in names:
                row = _store_one(writer, folder + b"/" + name, WHOLE_MAX)
                rows.append(row)
                size += 0 if row is _MISSING else STAT.unpack_from(row)[0]
            tell(size)
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    return b"".join(rows)


def _store_one(writer: "PackWriter", path: bytes, most: int) -> bytes:
    """Store one file and return its row; what is no small file is left out."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return _MISSING
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return _MISSING
        data = os.read(handle, status.st_size + 1)
    except OSError:
        return _MISSING
    finally:
        os.close(handle)
    if len(data) != status.st_size:
        return _MISSING
    return pack_stat(status) + writer.put_key(data)
