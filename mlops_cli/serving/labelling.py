"""`/feedback`: labels from clients go to the prediction log, in a thread of their own."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlops_cli.data.feedback import Feedback, Label, Recorded
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.serving import body
from mlops_cli.serving.app import App
from mlops_cli.serving.guard.encoding import plain
from mlops_cli.serving.protocols import labels
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.routes import Receive, Scope

_MOST_WAITING = 16
"""More requests than this are told to come again."""


class Labelling:
    """Takes what turned out to be true of predictions below one folder of the log."""

    def __init__(self, app: App, folder: Path, *, max_body_bytes: int, max_labels: int) -> None:
        """Add `/feedback` to `app`."""
        self._feedback = Feedback(folder)
        self._max_body_bytes = max_body_bytes
        self._max_labels = max_labels
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feedback")
        app.routes.add("/feedback", self._answer, methods=("POST",))

    def close(self) -> None:
        """Keep what has come, then stop."""
        self._thread.shutdown()

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length")
        data = await body.whole(receive, length, limit=self._max_body_bytes)
        if self._waiting >= _MOST_WAITING:
            raise _later("too many labels are waiting")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._keep, data, headers)
        finally:
            self._waiting -= 1

    def _keep(self, data: bytes, headers: dict[bytes, bytes]) -> Reply:
        data = plain(data, headers.get(b"content-encoding", b""), self._max_body_bytes)
        return labels.write(self._recorded(labels.read(data, headers, most=self._max_labels)))

    def _recorded(self, told: Sequence[Label]) -> Recorded:
        try:
            return self._feedback.record(told)
        except RequestError as error:
            raise Refused(422, error.message) from error
        except ExternalError as error:
            raise _later(error.message) from error


def _later(why: str) -> Refused:
    return Refused(503, f"{why}: try again in a second", headers=[(b"retry-after", b"1")])
