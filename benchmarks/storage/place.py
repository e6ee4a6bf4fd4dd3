"""Where it is measured: a file system in memory, or a folder that is named."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.storage.system import have

MEMORY = Path("/dev/shm")
_NEEDED_BYTES = 14 << 30
_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, empty at first, and what kind of file system it is on."""

    folder: Path
    kind: str

    def settle(self) -> None:
        """Wait until what was written so far is on disk."""
        subprocess.run(["sync", "-f", self.folder], check=True)

    def trim(self) -> None:
        """Give back the memory of what was deleted, where the file system is in memory."""
        self.settle()
        subprocess.run(["fstrim", self.folder], check=False, capture_output=True)


@contextmanager
def place(where: Path | None) -> Iterator[Place]:
    """Give a place in `where`, else on an XFS image in memory, else in the temporary folder.

    The image needs root, and 14 GiB of memory free. All is removed at the end, also when
    interrupted or told to stop.
    """
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        if where is None and _can_mount():
            with _xfs() as found:
                yield found
        else:
            with tempfile.TemporaryDirectory(prefix="mlo-benchmark-", dir=where) as name:
                yield Place(Path(name), _kind(Path(name)))
    finally:
        signal.signal(signal.SIGTERM, before)


def _can_mount() -> bool:
    return (
        os.geteuid() == 0
        and MEMORY.is_dir()
        and shutil.disk_usage(MEMORY).free >= _NEEDED_BYTES
        and have("mkfs.xfs", "xfsprogs")
    )


@contextmanager
def _xfs() -> Iterator[Place]:
    """Mount an XFS image with reflinks that lies in memory, and remove it at the end."""
    image_folder = Path(tempfile.mkdtemp(prefix="mlo-benchmark-", dir=MEMORY))
    mounted = Path(tempfile.mkdtemp(prefix="mlo-benchmark-"))
    image = image_folder / "image"
    size = int(shutil.disk_usage(MEMORY).free * _SHARE)
    try:
        with image.open("wb") as file:
            file.truncate(size)
        _run("mkfs.xfs", "-q", "-m", "reflink=1", str(image))
        _run("mount", "-o", "loop,noatime", str(image), str(mounted))
        yield Place(mounted, "XFS with reflinks, loop-mounted from memory")
    finally:
        if os.path.ismount(mounted):
            _unmount(mounted)
        mounted.rmdir()
        shutil.rmtree(image_folder)


def _unmount(mounted: Path) -> None:
    """Unmount, at the latest when the last process that still uses it has gone."""
    if subprocess.run(["umount", mounted], check=False, capture_output=True).returncode:
        print(f"{mounted} is in use; it goes when it no longer is", file=sys.stderr)
        _run("umount", "--lazy", str(mounted))


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed, try --where: {done.stderr.strip()}")


def _kind(folder: Path) -> str:
    found = subprocess.run(
        ["df", "--output=fstype", folder], check=True, capture_output=True, text=True
    )
    return found.stdout.split()[-1]
