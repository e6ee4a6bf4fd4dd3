"""A server: its port, its models, and one process or several that answer."""

import errno
import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mlops_cli.core.repository import Repository
from mlops_cli.data.servers import Account
from mlops_cli.errors import RequestError, StateError
from mlops_cli.serving.board import Board
from mlops_cli.serving.guard.guard import guard
from mlops_cli.serving.http_server import BACKLOG
from mlops_cli.serving.rescue import Rescue
from mlops_cli.serving.slot import Found, Slot
from mlops_cli.serving.worker import Worker
from mlops_cli.serving.workers import Workers

_JUDGE_S = 0.2


@dataclass(frozen=True, slots=True)
class Ready:
    """What is served, and where."""

    url: str
    model: str
    version: int
    version_id: str
    reference: str


class Server:
    """Serves models of a repository until stopped."""

    def __init__(
        self,
        repo: Repository,
        finds: Sequence[Callable[[], Found]],
        *,
        host: str | None = None,
        port: int | None = None,
        workers: int = 1,
        say: Callable[[str], None],
    ) -> None:
        """Take the port and load what each of `finds` finds; they are asked again when refs move.

        Without `host` or `port` the settings say which; port 0 takes a free one. With several
        `workers` each is a process. `say` is told what happens while serving, from any thread.

        Raises:
            StateError: the port is taken or forbidden.
            RequestError: there is no such model, version or host, or a model is there twice.
        """
        settings = repo.settings.serving
        self._guard = guard(settings, repo.root, os.environ, say=say)
        self._repo = repo
        self._say = say
        self._workers = workers
        self._socket = listen(
            settings.host if host is None else host, settings.port if port is None else port
        )
        try:
            self._slots = [Slot(find, repo.layout.refs, say=say) for find in finds]
            _check_distinct([slot.model for slot in self._slots])
        except BaseException:
            self._socket.close()
            raise
        self.board = Board(1 if workers == 1 else workers + 1)
        self._rescue = Rescue(repo, self._slots, self.board, settings.auto_rollback, say=say)
        self._account = Account(repo.layout.servers, self._url)
        self._worker: Worker | None = None

    @property
    def _url(self) -> str:
        return _url(self._socket, "http" if self._guard.tls is None else "https")

    @property
    def ready(self) -> tuple[Ready, ...]:
        """What is served now, model by model."""
        return tuple(
            Ready(self._url, live.model, live.version, live.version_id, live.reference)
            for live in (slot.live for slot in self._slots)
        )

    def run(self, on_ready: Callable[[tuple[Ready, ...]], None]) -> None:
        """Answer requests until SIGTERM or `stop`, then finish those that are under way.

        `on_ready` is called once, when the first request can be answered.

        Raises:
            KeyboardInterrupt: it was ended by SIGINT, after finishing in the same way.
        """
        ready = self.ready
        if self._workers == 1:
            self._worker = self._made(0)
            with self._judging():
                self._worker.run(self._socket, lambda: on_ready(ready))
            return
        gc.collect()
        gc.freeze()  # what is never collected is never written to, and stays shared
        watched = Workers(self._workers, self._work, self.board, look=self._look, say=self._say)
        try:
            watched.run(lambda: on_ready(ready))
        finally:
            self._socket.close()
            self._account.close()

    def stop(self) -> None:
        """Have `run` finish and return; may be called from any thread. For one process."""
        if self._worker is not None:
            self._worker.stop()

    def _made(self, part: int, *, parent: int | None = None) -> Worker:
        return Worker(
            self._repo,
            self._slots,
            self.board,
            part,
            guard=self._guard,
            parent=parent,
            say=self._say,
        )

    def _work(self, part: int, on_started: Callable[[], None]) -> None:
        for slot in self._slots:
            slot.quiet()
        self._made(part, parent=os.getppid()).run(self._socket, on_started)

    def _look(self) -> None:
        """Keep up with the references, so that a process forked from here is up to date."""
        for slot in self._slots:
            slot.look()
        if self._guard.tls is not None:
            self._guard.tls.follow()
        self._judge()

    def _judge(self) -> None:
        """Send back what is worse, and tell those who ask here what is seen of each version."""
        self._rescue.look()
        self._account.tell(self._rescue.told)

    @contextmanager
    def _judging(self) -> Iterator[None]:
        """Judge versions on trial from a thread, where this process is the only one."""
        ended = threading.Event()

        def judge() -> None:
            while not ended.wait(_JUDGE_S):
                self._judge()

        thread = threading.Thread(target=judge, name="judge", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._account.close()


def _check_distinct(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise RequestError(
                f"{name} is there twice: a server has one reference of each model",
                hint="start another server, or give one version a share of the requests: --canary",
            )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; clients that come early wait until they are answered.

    Raises:
        RequestError: there is no such host here.
        StateError: the port is taken, or not for this user.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise RequestError(f"there is no host '{host}'", hint="--host 127.0.0.1") from error
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise _refused(error, host, port) from error
    return made


def _refused(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return StateError(
            f"port {port} on '{host}' is in use by another program",
            hint=f"mlo serve ... --port {port + 1}, or --port 0 for a free one",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return StateError(
            f"port {port} is not for ordinary users", hint="mlo serve ... --port 8000"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return RequestError(f"'{host}' is not an address of this machine", hint="--host 127.0.0.1")
    return StateError(f"cannot listen on '{host}' port {port}: {(error.strerror or '').lower()}")


def _url(bound: socket.socket, scheme: str) -> str:
    """Return where a client on this machine reaches the socket."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
