"""Writing the files of a version where nothing is and nobody looks yet.

A file is made by as few system calls as git makes: open in its folder, write, stat, close.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mlops_cli.core import tree
from mlops_cli.core.extents import write_at
from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import pack_stat
from mlops_cli.errors import IntegrityError

Files = Sequence[tuple[str, tree.Entry]]
"""Files and links, each with its path within the target; a target that is one has an empty one."""

Content = bytes | memoryview

_TELL_BYTES = 256 * 1024
"""What is done is told after so many bytes."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def fill(
    repo: Repository, target: Path, files: Files, advance: Callable[[int], None]
) -> Iterator[bytes]:
    """Write files into folders that are there; yield what each looks like, as `pack_stat` has it.

    Raises:
        MissingObject, IntegrityError: as of `ObjectStore.get`.
        OSError: the file system refuses.
    """
    contents = repo.objects.contents([entry.oid for _, entry in files])
    done = 0
    folder, handle = "", os.open(target, _FOLDER)
    try:
        for (path, entry), content in zip(files, contents, strict=True):
            above, _, name = path.rpartition("/")
            if above != folder:
                os.close(handle)
                handle = -1
                folder, handle = above, os.open(target / above, _FOLDER)
            yield pack_stat(write(repo, name, entry, content, folder=handle))
            done += entry.size
            if done >= _TELL_BYTES:
                advance(done)
                done = 0
        advance(done)
    finally:
        if handle >= 0:
            os.close(handle)


def write(
    repo: Repository,
    path: str,
    entry: tree.Entry,
    content: Content | None = None,
    *,
    folder: int | None = None,
) -> os.stat_result:
    """Write one file or link where nothing is; return what it looks like.

    `path` starts from an open `folder`, if there is one; `content` is that of the object, checked,
    where it is known already.
    """
    if entry.mode is tree.Mode.SYMLINK:
        points_to = repo.objects.get(entry.oid)
        if not points_to or b"\0" in points_to:
            raise IntegrityError(f"the link '{path}' points to {points_to[:40]!r}")
        os.symlink(points_to, os.fsencode(path), dir_fd=folder)
        return os.stat(path, dir_fd=folder, follow_symlinks=False)
    bits = 0o777 if entry.mode is tree.Mode.EXECUTABLE else 0o666
    handle = os.open(path, _NEW, bits, dir_fd=folder)
    try:
        if content is None:
            repo.objects.write_to(handle, entry.oid)
        elif os.write(handle, content) != len(content):
            write_at(handle, content, 0)
        return os.fstat(handle)
    finally:
        os.close(handle)
