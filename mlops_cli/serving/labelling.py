"""`/feedback`: labels from clients go to the prediction log, in a thread of their own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from mlops_cli.data.feedback import Feedback, Label, Recorded
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.serving import body
from mlops_cli.serving.app import App
from mlops_cli.serving.guard.encoding import plain
from mlops_cli.serving.protocols import labels
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.routes import Receive, Scope

T = TypeVar("T")

_MOST_WAITING = 16
"""More requests than this are told to come again."""
_PAUSES_S = (0.15, 0.35)
"""How long a segment that is not there yet is waited for: the log is written every 0.1 s."""
_MOST_EARLY = 100
"""So many requests may wait for segments at once; others are answered without."""


class Labelling:
    """Takes what turned out to be true of predictions below one folder of the log."""

    def __init__(self, app: App, folder: Path, *, max_body_bytes: int, max_labels: int) -> None:
        """Add `/feedback` to `app`."""
        self._feedback = Feedback(folder)
        self._max_body_bytes = max_body_bytes
        self._max_labels = max_labels
        self._waiting = 0
        self._early = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feedback")
        app.routes.add("/feedback", self._answer, methods=("POST",))

    def close(self) -> None:
        """Keep what has come, then stop."""
        self._thread.shutdown()

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length")
        data = await body.whole(receive, length, limit=self._max_body_bytes)
        recorded, early = await self._in_turn(lambda: self._keep(data, headers))
        if early:
            recorded = recorded.plus(await self._once_there(early))
        return labels.write(recorded)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        """Return what `work` does in the thread, after what came before.

        Raises:
            Refused: too many wait already.
        """
        if self._waiting >= _MOST_WAITING:
            raise _later("too many labels are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    async def _once_there(self, early: Sequence[Label]) -> Recorded:
        """Record labels of segments that are being made; nobody else waits for that."""
        pauses_s = _PAUSES_S if self._early < _MOST_EARLY else ()
        self._early += 1
        try:
            for pause_s in pauses_s:
                await asyncio.sleep(pause_s)
                if not await self._in_turn(lambda: self._feedback.early(early)):
                    break
            return await self._in_turn(lambda: self._recorded(early))
        finally:
            self._early -= 1

    def _keep(self, data: bytes, headers: dict[bytes, bytes]) -> tuple[Recorded, list[Label]]:
        """Return what became of labels, and those whose segments are not there, nor recorded."""
        data = plain(data, headers.get(b"content-encoding", b""), self._max_body_bytes)
        told = labels.read(data, headers, most=self._max_labels)
        early = _told(lambda: self._feedback.early(told))
        later = set(map(id, early))
        return self._recorded([one for one in told if id(one) not in later]), early

    def _recorded(self, told: Sequence[Label]) -> Recorded:
        return _told(lambda: self._feedback.record(told))


def _told(work: Callable[[], T]) -> T:
    """Return what `work` does; what is wrong with labels, or the disk, is refused."""
    try:
        return work()
    except RequestError as error:
        raise Refused(422, error.message) from error
    except ExternalError as error:
        raise _later(error.message) from error


def _later(why: str) -> Refused:
    return Refused(503, f"{why}: try again in a second", headers=[(b"retry-after", b"1")])
