"""Writing one file or link of a version where nothing is."""

import os

from mlops_cli.core import tree
from mlops_cli.core.extents import write_at
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError

Content = bytes | memoryview

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write(
    repo: Repository,
    path: bytes,
    mode: tree.Mode,
    key: bytes,
    content: Content | None = None,
    *,
    folder: int | None = None,
) -> os.stat_result:
    """Write the object with the 32-byte id `key` to a new file or link; return what it looks like.

    `path` starts from an open `folder`, if there is one; `content` is that of the object, checked,
    where it is known already.

    Raises:
        MissingObject, IntegrityError: as of `ObjectStore.get`; what was begun is left.
        OSError: the file system refuses.
    """
    if mode is tree.Mode.SYMLINK:
        return _link(repo, path, key, folder)
    bits = 0o777 if mode is tree.Mode.EXECUTABLE else 0o666
    handle = os.open(path, _NEW, bits, dir_fd=folder)
    try:
        if content is None:
            repo.objects.write_to(handle, ObjectId(key.hex()))
        elif os.write(handle, content) != len(content):
            write_at(handle, content, 0)
        return os.fstat(handle)
    finally:
        os.close(handle)


def _link(repo: Repository, path: bytes, key: bytes, folder: int | None) -> os.stat_result:
    points_to = repo.objects.get(ObjectId(key.hex()))
    if not points_to or b"\0" in points_to:
        raise IntegrityError(f"the link '{os.fsdecode(path)}' points to {points_to[:40]!r}")
    os.symlink(points_to, path, dir_fd=folder)
    return os.stat(path, dir_fd=folder, follow_symlinks=False)
