"""What the server tells of itself: its models, whether it is well, and what it has counted."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from mlops_cli.core.exposition import CONTENT_TYPE, Labels, Page
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.serving import rules, shadow
from mlops_cli.serving.app import App
from mlops_cli.serving.batch import Batcher
from mlops_cli.serving.board import Name
from mlops_cli.serving.guard.guard import OPEN_TO_ALL, Guard
from mlops_cli.serving.live import example
from mlops_cli.serving.metrics import BUCKETS_S, Metrics
from mlops_cli.serving.reply import JSON, Reply
from mlops_cli.serving.routes import Handler, Receive, Scope
from mlops_cli.serving.slot import Slot


class Pages:
    """The pages of one process, added to the routes of its application."""

    def __init__(
        self,
        app: App,
        batcher: Batcher,
        log: PredictionWriter,
        metrics: Metrics,
        guard: Guard = OPEN_TO_ALL,
    ) -> None:
        """Tell of `app` and what works for it."""
        self._tls = guard.tls
        self._app = app
        self._slots = tuple(app.predicting.router.slots.values())
        self._batcher = batcher
        self._log = log
        self._counted = metrics
        for path, page in (
            ("/", self._overview),
            ("/health", self._health),
            ("/ready", self._ready),
            ("/metrics", self._metrics),
        ):
            app.routes.add(path, _handler(page))

    def _health(self) -> Reply:
        return Reply(b'{"status":"ok"}')

    def _ready(self) -> Reply:
        draining = self._app.draining
        models = [
            {
                "model": slot.live.model,
                "version": slot.live.version,
                "failure": slot.failure,
            }
            for slot in self._slots
        ]
        status = {"status": "draining" if draining else "ready"}
        return Reply(orjson.dumps(status | _one_or_all(models)), JSON, 503 if draining else 200)

    def _overview(self) -> Reply:
        body = _one_or_all([_described(slot) for slot in self._slots])
        body["endpoints"] = self._app.routes.listed
        return Reply(orjson.dumps(body, option=orjson.OPT_INDENT_2))

    def _metrics(self) -> Reply:
        self.publish()
        page, board = Page(), self._counted.board
        page.add(
            "mlo_requests_total",
            "counter",
            "Requests answered, by path and status",
            [
                ((("path", path), ("status", status)), int(count))
                for (path, status), (count,) in board.sums("requests").items()
            ],
        )
        page.add_times(
            "mlo_request_seconds",
            "Time to answer a prediction, from its head to the answer",
            BUCKETS_S,
            board.sums("latency")[()],
        )
        by_version = board.sums("versions")
        for place, name, meaning in (
            (0, "mlo_predictions_total", "Rows predicted"),
            (2, "mlo_model_errors_total", "Requests that a version failed on"),
        ):
            page.add(
                name,
                "counter",
                f"{meaning}, by model, version and role",
                [(_version(labels), int(cells[place])) for labels, cells in by_version.items()],
            )
        for name, meaning in _SHADOWS.items():
            samples = [
                (_version((*labels, "shadow")), int(n)) for labels, (n,) in board.sums(name).items()
            ]
            page.add(name, "counter", meaning, samples)
        failed = [
            (tuple(zip(_FAILED, labels, strict=True)), int(count))
            for labels, (count,) in board.sums(rules.FAMILY).items()
        ]
        page.add(rules.FAMILY, "counter", rules.MEANING, failed)
        infos = [(_labels(slot), 1) for slot in self._slots]
        page.add("mlo_model_info", "gauge", "The version that answers", infos)
        for name, (kind, meaning) in _SINGLE.items():
            (value,) = board.sums(name).get((), [0])
            page.add(name, kind, meaning, [((), int(value))])
        return Reply(page.text().encode(), CONTENT_TYPE.encode())

    def publish(self) -> None:
        """Put what others count here on the board, where every process reads it."""
        slots, log, counted = self._slots, self._log.counters, self._counted
        counted.total("mlo_model_swaps_total", sum(slot.swaps for slot in slots))
        counted.total("mlo_model_failures_total", sum(slot.failures for slot in slots))
        counted.total("mlo_batches_total", self._batcher.batches)
        counted.total("mlo_log_written_total", log.written)
        counted.total("mlo_log_dropped_total", log.dropped)
        counted.total("mlo_log_left_out_total", log.left_out)
        counted.total("mlo_log_failures_total", log.failures)
        for live in (one for slot in slots for one in slot.routing.all):
            if isinstance(live.validator, rules.Ruled):
                of = (live.model, str(live.version), live.role)
                for failed, count in live.validator.drain():
                    counted.add(rules.FAMILY, *of, *failed, by=count)
        counted.gauge("mlo_model_behind", any(slot.failure is not None for slot in slots))
        if self._tls is not None:
            counted.gauge("mlo_certificate_behind", self._tls.failure is not None)
        counted.gauge("mlo_waiting_rows", self._batcher.rows)
        counted.gauge("mlo_log_waiting_rows", self._log.waiting)


_FAILED = ("model", "version", "role", "field", "check")
_SHADOWS = {
    shadow.AGREED: "Rows of which a shadow said what the client was told",
    shadow.DIFFERED: "Rows of which a shadow said something else",
    shadow.SKIPPED: "Requests that a shadow had no time for",
}
_SINGLE = {
    "mlo_model_swaps_total": ("counter", "Versions swapped in"),
    "mlo_model_failures_total": ("counter", "Versions that did not load"),
    "mlo_model_behind": ("gauge", "Processes in which a version due does not load"),
    "mlo_certificate_behind": ("gauge", "Processes that cannot use the certificate's new files"),
    "mlo_worker_ready": ("gauge", "Processes that answer, where there are several"),
    "mlo_worker_restarts_total": ("counter", "Processes that died and were replaced"),
    "mlo_batches_total": ("counter", "Calls into the model"),
    "mlo_waiting_rows": ("gauge", "Rows that wait for the model"),
    "mlo_log_written_total": ("counter", "Predictions in the log"),
    "mlo_log_dropped_total": ("counter", "Predictions answered but not logged"),
    "mlo_log_left_out_total": ("counter", "Predictions that the sample leaves out of the log"),
    "mlo_log_failures_total": ("counter", "Refusals of the disk under the log"),
    "mlo_log_waiting_rows": ("gauge", "Predictions that wait for the log"),
}
"""Kind and meaning of what has no labels."""


def _handler(page: Callable[[], Reply]) -> Handler:
    async def handler(_scope: Scope, _receive: Receive) -> Reply:
        return page()

    return handler


def _one_or_all(models: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fields of the only model, or `models`, the list of several."""
    return dict(models[0]) if len(models) == 1 else {"models": models}


def _described(slot: Slot) -> dict[str, Any]:
    live = slot.live
    return {
        "model": live.model,
        "version": live.version,
        "version_id": live.version_id,
        "reference": live.reference,
        "since": live.since,
        "failure": slot.failure,
        "inputs": [
            {key: value for key, value in asdict(column).items() if value is not None}
            for column in live.signature.columns
        ],
        "example": {"rows": [example(live.signature)]},
    }


def _labels(slot: Slot) -> Labels:
    live = slot.live
    return (
        ("model", live.model),
        ("version", str(live.version)),
        ("version_id", live.version_id),
        ("reference", live.reference),
    )


def _version(labels: Name) -> Labels:
    return tuple(zip(("model", "version", "role"), labels, strict=True))
