"""Whether a file of the work tree may be executed."""

import os
from pathlib import Path

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data.remember import remember


def set_executable(repo: Repository, target: Path, oid: ObjectId, *, executable: bool) -> None:
    """Give or take the bits to execute of a file that was just written from `oid`."""
    mode = os.stat(target).st_mode
    wanted = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
    if wanted != mode:
        os.chmod(target, wanted)
        remember(repo, target, oid, "file")
