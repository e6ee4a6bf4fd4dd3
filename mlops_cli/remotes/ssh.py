"""A remote on a host that `ssh` reaches: a folder there, by SFTP."""

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_cli.errors import ExternalError
from mlops_cli.remotes import sftp
from mlops_cli.remotes.sftp import Sftp, SftpError
from mlops_cli.remotes.sftp_folder import ASIDE, SftpFolder, fresh_name
from mlops_cli.remotes.ssh_address import Address, address
from mlops_cli.remotes.ssh_link import Link, command_line
from mlops_cli.remotes.swap import swap
from mlops_cli.remotes.transport import MOST_WHOLE, MissingKey, too_large

_STALL_S = 120.0


class SshTransport:
    """Keys are files below a folder on a host.

    All transports to one host share one connection, which is made when it is first needed and ends
    with this process. `ssh` is a shell's words to run in place of `ssh`; when None, those that git
    is told in `GIT_SSH_COMMAND`.
    """

    def __init__(self, url: str, *, ssh: str | None = None, stall_s: float = _STALL_S) -> None:
        self.url = url
        self._address = address(url)
        self._ssh = ssh or os.environ.get("GIT_SSH_COMMAND")
        self._stall_s = stall_s
        self._folder: SftpFolder | None = None

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file; see `Transport`."""
        with self._open(key) as folder:
            data = folder.read(key, start, MOST_WHOLE + 1 if length is None else length)
        if length is None and len(data) > MOST_WHOLE:
            raise too_large(key, self.url)
        return data

    def size(self, key: str) -> int:
        """Return the size of a file; see `Transport`."""
        with self._open(key) as folder:
            return folder.session.stat(folder.path(key)).size

    def write_new(self, key: str, source: Path | bytes) -> None:
        """Upload aside, sync, rename; see `Transport`."""
        with self._open(key) as folder:
            if not folder.holds(key):
                folder.publish(folder.upload(fresh_name(), source), key)

    def list(self, prefix: str) -> list[str]:
        """Return the files of a folder; see `Transport`."""
        with self._open(prefix) as folder:
            names = folder.names(prefix.rstrip("/"))
        return sorted(prefix + name for name in names if not name.startswith("."))

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        """Compare and rename, as `swap` tells; see `Transport`."""
        swap(Candidates(self), key, old, new)

    def close(self) -> None:
        """End the connection, also for other transports to this host."""
        connection = _connections.pop(self._line(), None)
        if connection is not None:
            connection.close()

    @contextmanager
    def _open(self, key: str) -> Iterator[SftpFolder]:
        """Have the connection to oneself; what the server refuses is told in our words."""
        connection = self._connection()
        with connection.lock:
            try:
                session = connection.session()
                if self._folder is None or self._folder.session is not session:
                    self._folder = SftpFolder(session, self._address.folder, url=self.url)
                yield self._folder
            except SftpError as error:
                raise self._refused(key, error) from error
            except BaseException:
                connection.close()  # an answer may be half read
                raise

    def _connection(self) -> "_Connection":
        with _changing:
            return _connections.setdefault(
                self._line(), _Connection(self._address, self._line(), self._stall_s)
            )

    def _line(self) -> tuple[str, ...]:
        return tuple(command_line(self._address.destination, self._address.port, ssh=self._ssh))

    def _refused(self, key: str, error: SftpError) -> ExternalError | MissingKey:
        if error.code == sftp.NO_SUCH_FILE:
            return MissingKey(f"'{key}' is not on the remote '{self.url}'")
        if error.code == sftp.PERMISSION_DENIED:
            return ExternalError(
                f"the remote '{self.url}' refuses '{key}': permission denied",
                hint="see who owns the folder there, and what its group may do",
            )
        said = "".join(letter for letter in str(error) if letter.isprintable())
        return ExternalError(
            f"the remote '{self.url}' failed at '{key}': {said.lower()[:200]}",
            hint="see whether a quota there is used up, and who may write",
        )


class Candidates:
    """The files of a remote as `swap` needs them."""

    def __init__(self, transport: SshTransport) -> None:
        self.url = transport.url
        self._open = transport._open
        self._transport = transport

    def create(self, name: str, data: bytes) -> None:
        """Upload a candidate; see `Files`."""
        with self._open(name) as folder:
            folder.upload(name, data)

    def candidates(self) -> list[str]:
        """Return what is aside; see `Files`."""
        with self._open(ASIDE) as folder:
            return folder.names(ASIDE)

    def discard(self, name: str) -> None:
        """Remove a candidate; see `Files`."""
        with self._open(name) as folder:
            folder.remove(f"{ASIDE}/{name}")

    def current(self, key: str) -> bytes | None:
        """Return what is under a key; see `Files`."""
        try:
            return self._transport.read(key)
        except MissingKey:
            return None

    def install(self, name: str, key: str) -> bool:
        """Rename a candidate; see `Files`."""
        with self._open(key) as folder:
            return folder.replace(f"{ASIDE}/{name}", key)


class _Connection:
    """A session with a host, opened again when it was lost."""

    def __init__(self, where: Address, line: tuple[str, ...], stall_s: float) -> None:
        self.lock = threading.RLock()
        self._where = where
        self._line = line
        self._stall_s = stall_s
        self._link: Link | None = None
        self._session: Sftp | None = None

    def session(self) -> Sftp:
        """Return the session, with the lock held."""
        if self._session is None or self._link is None or not self._link.is_open:
            self.close()
            self._link = Link(self._line, self._where.destination, stall_s=self._stall_s)
            self._session = Sftp(self._link)
        return self._session

    def close(self) -> None:
        """End the session; the next use opens another."""
        if self._link is not None:
            self._link.close()
        self._link = self._session = None


_connections: dict[tuple[str, ...], _Connection] = {}
_changing = threading.Lock()


@atexit.register
def _close_all() -> None:
    for connection in _connections.values():
        connection.close()
