"""A remote that is a folder: on this disk, a mounted share, a USB stick."""

import os
from pathlib import Path

from mlops_cli.core.extents import Extent, Source
from mlops_cli.core.files import outside, sync_folder, write_whole
from mlops_cli.core.lock import hold
from mlops_cli.errors import ExternalError
from mlops_cli.remotes.swap import swap
from mlops_cli.remotes.transport import MOST_WHOLE, MissingKey, too_large


def _copy(source: Path, target: int) -> None:
    """Copy a file, sharing its blocks where the file system can."""
    opened = Source(os.open(source, os.O_RDONLY | os.O_CLOEXEC))
    Extent(opened, 0, os.fstat(opened.handle).st_size).write(target, 0)


class FolderTransport:
    """Keys are files below `folder`, which is made by the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = str(folder)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file; see `Transport`."""
        try:
            with (self.folder / key).open("rb", buffering=0) as file:
                file.seek(start)
                data = file.read(MOST_WHOLE + 1 if length is None else length) or b""
        except FileNotFoundError as error:
            raise MissingKey(f"'{key}' is not on the remote '{self.url}'") from error
        except OSError as error:
            raise self._failed(error) from error
        if length is None and len(data) > MOST_WHOLE:
            raise too_large(key, self.url)
        return data

    def copy(self, key: str, size: int, target: int) -> None:
        """Make an open, empty file hold the first bytes of a key, sharing blocks where that can be.

        Raises:
            MissingKey, ExternalError: as of `read`.
            OSError: it has fewer bytes than `size`, or the file cannot be written.
        """
        try:
            source = Source(os.open(self.folder / key, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError as error:
            raise MissingKey(f"'{key}' is not on the remote '{self.url}'") from error
        except OSError as error:
            raise self._failed(error) from error
        Extent(source, 0, size).write(target, 0)

    def size(self, key: str) -> int:
        """Return the size of a file; see `Transport`."""
        try:
            return (self.folder / key).stat().st_size
        except FileNotFoundError as error:
            raise MissingKey(f"'{key}' is not on the remote '{self.url}'") from error
        except OSError as error:
            raise self._failed(error) from error

    def write_new(self, key: str, source: Path | bytes) -> None:
        """Copy beside the target, sync, rename; see `Transport`."""
        target = self.folder / key
        if target.exists():
            return
        beside = target.with_name(f".{target.name}-{os.getpid()}-{os.urandom(4).hex()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("xb") as file:
                if isinstance(source, bytes):
                    file.write(source)
                else:
                    _copy(source, file.fileno())
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, target)
            sync_folder(target.parent)
        except OSError as error:
            raise outside(error, target) from error
        finally:
            beside.unlink(missing_ok=True)

    def list(self, prefix: str) -> list[str]:
        """Return the files of a folder; see `Transport`."""
        try:
            names = os.listdir(self.folder / prefix)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed(error) from error
        return sorted(prefix + name for name in names if not name.startswith("."))

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        """Compare and replace under a lock in the folder; see `Transport`.

        The lock makes those on this machine wait for each other. Others may be at the same folder
        by SFTP, where there is no lock, so that `swap` has to hold without it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise outside(error, self.folder) from error
        with hold(self.folder / "lock", purpose="push"):
            swap(_Candidates(self), key, old, new)

    def _failed(self, error: OSError) -> ExternalError:
        reason = (error.strerror or str(error)).lower()
        return ExternalError(f"cannot read the remote '{self.url}': {reason}")


class _Candidates:
    """The files of the folder as `swap` needs them."""

    def __init__(self, transport: FolderTransport) -> None:
        self.url = transport.url
        self._transport = transport
        self._aside = transport.folder / "tmp"

    def create(self, name: str, data: bytes) -> None:
        try:
            self._aside.mkdir(exist_ok=True)
        except OSError as error:
            raise outside(error, self._aside) from error
        write_whole(self._aside / name, data)

    def candidates(self) -> list[str]:
        return os.listdir(self._aside)

    def discard(self, name: str) -> None:
        (self._aside / name).unlink(missing_ok=True)

    def current(self, key: str) -> bytes | None:
        try:
            return self._transport.read(key)
        except MissingKey:
            return None

    def install(self, name: str, key: str) -> bool:
        target = self._transport.folder / key
        try:
            os.replace(self._aside / name, target)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise outside(error, target) from error
        sync_folder(target.parent)
        return True
