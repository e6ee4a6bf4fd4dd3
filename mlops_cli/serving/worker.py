"""One process that answers: the parts of it, and the order in which they start and stop."""

import asyncio
import gc
import os
import socket
from collections.abc import Callable, Sequence

import uvloop

from mlops_cli.core.config_serving import Serving
from mlops_cli.core.repository import Repository
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.serving.app import App
from mlops_cli.serving.batch import Batcher
from mlops_cli.serving.board import Board
from mlops_cli.serving.direct import Direct
from mlops_cli.serving.guard.connection import speaking
from mlops_cli.serving.guard.guard import OPEN_TO_ALL, Guard
from mlops_cli.serving.http_server import HttpServer
from mlops_cli.serving.labelling import Labelling
from mlops_cli.serving.metrics import Metrics, Uncounted
from mlops_cli.serving.pages import Pages
from mlops_cli.serving.predicting import Predicting
from mlops_cli.serving.router import Router
from mlops_cli.serving.shadow import Shadow
from mlops_cli.serving.slot import Slot
from mlops_cli.serving.speaking import teach
from mlops_cli.serving.upgrade import upgrading

_WAITING_REQUESTS = 16
"""How many requests of the largest size may wait for the model."""
_PUBLISH_TICKS = 5


class Worker:
    """Answers with what is in slots; with several, each has a part of one board."""

    def __init__(
        self,
        repo: Repository,
        slots: Sequence[Slot],
        board: Board,
        part: int = 0,
        *,
        guard: Guard = OPEN_TO_ALL,
        parent: int | None = None,
        say: Callable[[str], None],
    ) -> None:
        """Make what answers; threads start here, so call it after the fork.

        It ends when it is not a child of the process `parent`, if that is given.
        """
        settings: Serving = repo.settings.serving
        self._slots = slots
        self._metrics = Metrics(board, part) if settings.metrics else Uncounted(board, part)
        self._log = PredictionWriter(repo.layout.predictions, warn=say, settings=settings.log)
        self._batcher = Batcher(
            self._log,
            self._metrics,
            say=say,
            most_rows=_WAITING_REQUESTS * settings.max_rows,
            most_bytes=_WAITING_REQUESTS * settings.max_body_bytes,
        )
        self._shadow = Shadow(self._log, self._metrics)
        self._predicting = Predicting(
            Router(slots), self._batcher, self._shadow, max_body_bytes=settings.max_body_bytes
        )
        self._guard = guard
        self.app = App(self._predicting, self._metrics, say=say, guard=guard)
        self._pages = Pages(self.app, self._batcher, self._log, self._metrics, guard)
        teach(self.app, guarded=guard.tokens is not None)
        self._labelling = Labelling(
            self.app,
            repo.layout.predictions,
            max_body_bytes=settings.max_body_bytes,
            max_labels=settings.max_rows,
        )
        upgrade = upgrading(self.app, self._metrics, guard, limit=settings.max_body_bytes, say=say)
        self._ticks = 0
        self._parent = parent
        self.server = HttpServer(
            self.app,
            board,
            part,
            tick=self._tick,
            connection=speaking(upgrade, Direct(self.app)),
            tls=guard.tls,
        )

    def run(self, listener: socket.socket, on_started: Callable[[], None]) -> None:
        """Answer until SIGTERM or `stop`, then finish what is under way.

        Raises:
            KeyboardInterrupt: it was ended by SIGINT, after finishing in the same way.
        """
        self.server.on_started = on_started
        for slot in self._slots:
            slot.watch()
        gc.freeze()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self.server.serve(sockets=[listener]))
        finally:
            for slot in self._slots:
                slot.close()
            self._batcher.close()
            self._predicting.close()
            self._labelling.close()
            self._shadow.close()
            self._log.close()
            self._pages.publish()
            gc.unfreeze()
        if self.server.interrupted:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """Have `run` finish and return; may be called from any thread."""
        self.server.stop()

    def _tick(self) -> None:
        self._ticks += 1
        if self._guard.tls is not None:
            self._guard.tls.follow(quietly=self._parent is not None)
        if self._parent is not None and os.getppid() != self._parent:
            self.stop()  # nobody looks after us any more, and whoever comes next wants the port
        if self._ticks % _PUBLISH_TICKS == 0:
            self._pages.publish()
