"""A server process: port, signals, and the order in which things start and stop."""

import asyncio
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
import uvloop

from mlops_cli.core.repository import Repository
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.errors import RequestError, StateError
from mlops_cli.serving.app import App
from mlops_cli.serving.batch import Batcher
from mlops_cli.serving.live import Found, Slot
from mlops_cli.serving.metrics import Metrics
from mlops_cli.serving.pages import Pages
from mlops_cli.serving.predicting import Predicting
from mlops_cli.serving.router import Router

_BACKLOG = 2048
_DRAIN_S = 30
_KEEP_ALIVE_S = 75  # longer than the 60 s of usual load balancers, which must close first
_WAITING_REQUESTS = 16
"""How many requests of the largest size may wait for the model."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What is served, and where."""

    url: str
    model: str
    version: int
    version_id: str
    reference: str


class Server:
    """Serves one model of a repository until stopped."""

    def __init__(
        self,
        repo: Repository,
        find: Callable[[], Found],
        *,
        host: str | None = None,
        port: int | None = None,
        say: Callable[[str], None],
    ) -> None:
        """Take the port and load what `find` finds; it is asked again when refs move.

        Without `host` or `port` the settings say which; port 0 takes a free one. `say` is told
        what happens while serving, from any thread.

        Raises:
            StateError: the port is taken or forbidden.
            RequestError: there is no such model, version or host.
        """
        settings = repo.settings.serving
        self._say = say
        self._socket = listen(
            settings.host if host is None else host, settings.port if port is None else port
        )
        try:
            self._slot = Slot(find, repo.layout.refs, say=say)
        except BaseException:
            self._socket.close()
            raise
        self._log = PredictionWriter(repo.layout.predictions, warn=say)
        self._batcher = Batcher(
            self._log,
            say=say,
            most_rows=_WAITING_REQUESTS * settings.max_rows,
            most_bytes=_WAITING_REQUESTS * settings.max_body_bytes,
        )
        metrics = Metrics()
        self._predicting = Predicting(
            Router([self._slot]), self._batcher, metrics, max_body_bytes=settings.max_body_bytes
        )
        self._app = App(self._predicting, metrics, say=say)
        Pages(self._app, self._batcher, self._log, metrics)
        self._uvicorn = _Uvicorn(self._app)

    @property
    def ready(self) -> Ready:
        """What is served now."""
        live = self._slot.live
        return Ready(_url(self._socket), live.model, live.version, live.version_id, live.reference)

    def run(self, on_ready: Callable[[Ready], None]) -> None:
        """Answer requests until SIGTERM or `stop`, then finish those that are under way.

        `on_ready` is called once, when the first request can be answered.

        Raises:
            KeyboardInterrupt: it was ended by SIGINT, after finishing in the same way.
        """
        ready = self.ready
        self._uvicorn.on_started = lambda: on_ready(ready)
        self._slot.watch()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._uvicorn.serve(sockets=[self._socket]))
        finally:
            self._slot.close()
            self._batcher.close()
            self._predicting.close()
            self._log.close()
        if self._uvicorn.interrupted:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """Have `run` finish and return; may be called from any thread."""
        self._uvicorn.stop()


class _Uvicorn(uvicorn.Server):
    """Uvicorn with the application's word on draining, and signals that end in a return."""

    def __init__(self, app: App) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_DRAIN_S,
            )
        )
        self.on_started: Callable[[], None] = lambda: None
        self.interrupted = False
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say so."""
        await super().startup(sockets)
        self.on_started()

    def stop(self) -> None:
        """Drain: answers close their connections from now on, then the server ends."""
        self._app.draining = True
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on SIGTERM and SIGINT; a second one ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        self.force_exit = self.should_exit
        self.interrupted = self.interrupted or number == signal.SIGINT
        self.stop()


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
        made.listen(_BACKLOG)
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


def _url(bound: socket.socket) -> str:
    """Return where a client on this machine reaches the socket."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
