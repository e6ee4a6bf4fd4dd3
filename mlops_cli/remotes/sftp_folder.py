"""A folder on an SFTP server in which files appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlops_cli.errors import ExternalError
from mlops_cli.remotes import sftp
from mlops_cli.remotes.sftp import Sftp, SftpError

ASIDE = "tmp"
"""Where files are until they are whole."""
_OLD_S = 24 * 3600
_PIECE_BYTES = 4 * 1024 * 1024
_NO_ROOM_BYTES = 256 * 1024
_GROUP_WRITES = 0o020
_SET_GROUP = 0o2000


class SftpFolder:
    """Names are relative to `root`, which is made by the first write; `url` is for messages.

    Files get the permissions that the server's umask leaves; where the group may write in `root`,
    it may write all that is put below. Methods raise SftpError as `Sftp` does.
    """

    def __init__(self, session: Sftp, root: str, *, url: str) -> None:
        self.session = session
        self.root = root
        self._url = url
        self._mode: int | None = None
        self._swept = False

    def path(self, name: str) -> str:
        """Return the server's path of a name."""
        return f"{self.root}/{name}"

    def holds(self, name: str) -> bool:
        """Return whether there is a file or folder."""
        return self._is_there(self.path(name))

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file."""
        with self._opened(self.path(name), sftp.READ) as handle:
            return self.session.read(handle, start, length)

    def names(self, name: str) -> list[str]:
        """Return the names in a folder; none when there is no such folder."""
        try:
            return [found for found, _ in self.session.list(self.path(name)) if "/" not in found]
        except SftpError as error:
            if error.code == sftp.NO_SUCH_FILE:
                return []
            raise

    def upload(self, name: str, source: Path | bytes) -> str:
        """Write a new file aside, durably, and return its name.

        Raises:
            ExternalError: the disk there is full.
        """
        beside = f"{ASIDE}/{name}"
        try:
            with self._opened(self.path(beside), sftp.CREATE_NEW) as handle:
                self._fill(handle, source)
        except SftpError as error:
            if error.code == sftp.NO_SUCH_FILE and not self.holds(ASIDE):
                self._make_folder(ASIDE)
                return self.upload(name, source)
            full = self._full(error)  # asked while it still is
            self.discard(beside)
            raise full from error
        self._sweep(beside)
        return beside

    def publish(self, beside: str, name: str) -> None:
        """Give a file that was written aside its name, unless the name is taken by now."""
        try:
            self.session.rename(self.path(beside), self.path(name))
        except SftpError as error:
            above = name.rpartition("/")[0]
            if error.code == sftp.NO_SUCH_FILE and above and not self.holds(above):
                self._make_folder(above)
                self.publish(beside, name)
                return
            held = self.holds(name)
            self.discard(beside)
            if not held:
                raise
        self.sync_folder(name)

    def replace(self, beside: str, name: str) -> bool:
        """Put a file that was written aside over a name; False when it was removed meanwhile."""
        if not self.session.can("posix-rename"):
            raise ExternalError(
                f"the server of '{self._url}' cannot replace a file (it lacks posix-rename)",
                hint="use a host with OpenSSH's server",
            )
        try:
            self.session.replace(self.path(beside), self.path(name))
        except SftpError as error:
            if error.code == sftp.NO_SUCH_FILE:
                return False
            raise
        self.sync_folder(name)
        return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            self.session.remove(self.path(name))
        except SftpError as error:
            if error.code != sftp.NO_SUCH_FILE:
                raise

    def discard(self, name: str) -> None:
        """Remove a file, if it is there and may be removed."""
        with suppress(SftpError):
            self.session.remove(self.path(name))

    def sync_folder(self, name: str) -> None:
        """Make the names beside `name` durable, where the server opens folders."""
        with (
            suppress(SftpError),
            self._opened(self.path(name).rpartition("/")[0], sftp.READ) as handle,
        ):
            self.session.sync(handle)

    @contextmanager
    def _opened(self, path: str, flags: int) -> Iterator[bytes]:
        handle = self.session.open(path, flags)
        try:
            yield handle
        except SftpError:
            self.session.drop(handle)
            raise
        self.session.drop(handle)

    def _is_there(self, path: str) -> bool:
        try:
            self.session.stat(path)
        except SftpError as error:
            if error.code == sftp.NO_SUCH_FILE:
                return False
            raise
        return True

    def _fill(self, handle: bytes, source: Path | bytes) -> None:
        self._share(handle, 0o666)
        if isinstance(source, bytes):
            self.session.write(handle, [source])
        else:
            with source.open("rb") as file:
                self.session.write(handle, iter(lambda: file.read(_PIECE_BYTES), b""))
        self.session.sync(handle)

    def _make_folder(self, name: str) -> None:
        """Make a folder of the remote, and those above it."""
        missing = []
        here = self.path(name)
        while here and not self._is_there(here):
            missing.append(here)
            here = here.rpartition("/")[0]
        for folder in reversed(missing):
            try:
                self.session.make_folder(folder)
            except SftpError:
                if not self._is_there(folder):
                    raise
                continue  # somebody else made it just now
            if folder.startswith(self.root + "/"):
                with suppress(SftpError), self._opened(folder, sftp.READ) as handle:
                    self._share(handle, 0o777 | _SET_GROUP)

    def _share(self, handle: bytes, allowed: int) -> None:
        """Let a new file or folder be open to the group, if that shares the remote's folder."""
        if self._mode is None:
            self._mode = self.session.stat(self.root).mode
        if self._mode & _GROUP_WRITES:
            self.session.set_mode(handle, self._mode & allowed)

    def _full(self, error: SftpError) -> SftpError | ExternalError:
        """Return what stopped an upload: SFTP has no word for a full disk."""
        if error.code == sftp.FAILURE:
            with suppress(SftpError):
                free = self.session.free_bytes(self.root)
                if free is not None and free < _NO_ROOM_BYTES:
                    return ExternalError(
                        f"the disk of the remote '{self._url}' is full",
                        hint="make room there, then run the same command again",
                    )
        return error

    def _sweep(self, mine: str) -> None:
        """Once, remove what uploads that were killed long ago left; by the server's clock."""
        if self._swept:
            return
        self._swept = True
        with suppress(SftpError):
            now_s = self.session.stat(self.path(mine)).changed_s
            for name, found in [*self.session.list(self.path(ASIDE))]:
                if found.changed_s < now_s - _OLD_S:
                    self.discard(f"{ASIDE}/{name}")


def fresh_name() -> str:
    """Return a name for a file aside that nobody else takes."""
    return f"new-{os.urandom(12).hex()}"
