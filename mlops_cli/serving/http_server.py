"""Uvicorn's protocol on connections that we accept, and an end that loses no request."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from mlops_cli.serving.app import App
from mlops_cli.serving.board import Board
from mlops_cli.serving.connections import Acceptor
from mlops_cli.serving.guard.connection import Connection
from mlops_cli.serving.guard.tls import Tls

BACKLOG = 2048
_DRAIN_S = 30
_KEEP_ALIVE_S = 75  # longer than the 60 s of usual load balancers, which must close first
_LINGER_S = 0.3
"""At the end connections stay so long for a request that is on its way."""
_TICK_S = 0.1


class HttpServer(uvicorn.Server):
    """Serves connections of one listener until it is told to stop."""

    def __init__(
        self,
        app: App,
        board: Board,
        part: int,
        *,
        tick: Callable[[], None],
        connection: type[Connection] = Connection,
        tls: Tls | None = None,
    ) -> None:
        """Serve `app`; `tick` is called ten times a second, on the event loop.

        Each connection is one of the kind `connection`, behind `tls` if there is any.
        """
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_DRAIN_S,
            )
        )
        self.on_started: Callable[[], None] = lambda: None
        self.interrupted = False
        self._tls = tls
        self.servers = []
        self._app = app
        self._board = board
        self._part = part
        self._tick = tick

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer on the one listener in `sockets`, and say so."""
        (listener,) = sockets or []
        await self.lifespan.startup()
        self._acceptor = Acceptor(listener, self._connect, self._board, self._part)
        self.started = True
        self.on_started()

    async def _connect(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        secrecy = None if self._tls is None else self._tls.context
        with contextlib.suppress(
            OSError
        ):  # who hangs up at once, or in the handshake, gets nothing
            await loop.connect_accepted_socket(self._http, connection, ssl=secrecy)

    def _http(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state={}
        )
        return made

    async def main_loop(self) -> None:
        """Work until told to stop."""
        counter = 0
        while not await self.on_tick(counter):
            self._acceptor.count(len(self.server_state.connections))
            self._tick()
            counter += 1
            await asyncio.sleep(_TICK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take what has been connected, answer what is under way, then close."""
        self._acceptor.close()
        for listener in sockets or []:
            listener.close()
        end = asyncio.get_running_loop().time() + _LINGER_S
        while self.server_state.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(_LINGER_S / 10)
        await super().shutdown()

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
