"""Storing many small files by several processes at once.

Each process reads the small files of some folders, and writes packs of its own. What comes back
is what was seen of each file, and its id; who asked looks at all of it once more, so a file that
has changed meanwhile is noticed. Large files are left to who asked.
"""

import os
import stat
from collections.abc import Callable, Sequence
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

Seen = dict[bytes, tuple[bytes, bytes]]
"""The packed stat and the 32-byte id of files by name."""

_Folder = tuple[bytes, list[bytes]]


def gather(
    repo: "Repository", raw: bytes, known: Callable[[bytes], bool], advance: Callable[[int], None]
) -> dict[bytes, Seen]:
    """Store the small files below a folder; return, by folder, those that were stored.

    Folders of which `known` is true are passed over: who asked knows which of their files are new.
    Few files are left to who asked.
    """
    folders: list[_Folder] = []
    _walk(raw, known, folders)
    count = sum(len(names) for _, names in folders)
    processes = workers.helpful(count, least=_WORTH_A_PROCESS)
    if processes == 1:
        return {}
    from mlops_cli.core.claims import Claims

    claims = Claims(count)

    def work(part: Sequence[_Folder], tell: Callable[[int], None]) -> bytes:
        return _store(repo, part, claims, tell)

    parts = _parts(folders, count, processes)
    answers = workers.share(parts, work, advance)
    repo.objects.refresh()
    found: dict[bytes, Seen] = {}
    for part, answer in zip(parts, answers, strict=True):
        at = 0
        for folder, names in part:
            rows = [answer[at + i * _ROW : at + (i + 1) * _ROW] for i in range(len(names))]
            at += len(names) * _ROW
            seen = found.setdefault(folder, {})
            for name, row in zip(names, rows, strict=True):
                if row != _MISSING:
                    seen[name] = row[: STAT.size], row[STAT.size :]
    return found


def _walk(raw: bytes, known: Callable[[bytes], bool], folders: list[_Folder]) -> None:
    names: list[bytes] = []
    inner: list[bytes] = []
    try:
        with os.scandir(raw) as entries:
            for entry in entries:
                (inner if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
    except OSError:
        return  # who asked will see the same, and say so
    if names and not known(raw):
        folders.append((raw, names))
    for name in inner:
        if name not in CACHES:
            _walk(raw + b"/" + name, known, folders)


def _parts(folders: Sequence[_Folder], count: int, processes: int) -> list[list[_Folder]]:
    """Return the folders in as many parts, each with about as many files; a large one is split."""
    share = -(-count // processes)
    parts: list[list[_Folder]] = [[]]
    room = share
    for folder, names in folders:
        rest = names
        while rest:
            if not room:
                parts.append([])
                room = share
            parts[-1].append((folder, rest[:room]))
            rest, room = rest[room:], room - len(rest[:room])
    return parts


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
