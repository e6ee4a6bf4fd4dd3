"""What the server tells of itself: its models, whether it is well, and what it has counted."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import orjson

from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.serving.app import App
from mlops_cli.serving.batch import Batcher
from mlops_cli.serving.live import Slot, example
from mlops_cli.serving.metrics import CONTENT_TYPE, Labels, Metrics, Page, labelled
from mlops_cli.serving.reply import JSON, Reply
from mlops_cli.serving.routes import Handler, Receive, Scope


class Pages:
    """The pages of one process, added to the routes of its application."""

    def __init__(self, app: App, batcher: Batcher, log: PredictionWriter, metrics: Metrics) -> None:
        """Tell of `app` and what works for it."""
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
        page, counted = Page(), self._counted
        page.add(
            "mlo_requests_total",
            "counter",
            "Requests answered, by path and status",
            labelled(("path", "status"), counted.requests),
        )
        page.add_histogram(
            "mlo_request_seconds",
            "Time to answer a prediction, whole head to answer",
            counted.latency_s,
        )
        page.add(
            "mlo_predictions_total",
            "counter",
            "Rows predicted, by model and version",
            labelled(("model", "version"), counted.predictions),
        )
        infos = [(_labels(slot), 1) for slot in self._slots]
        page.add("mlo_model_info", "gauge", "The version that answers", infos)
        for name, kind, meaning, value in self._single():
            page.add(name, kind, meaning, [((), int(value))])
        return Reply(page.text(), CONTENT_TYPE)

    def _single(self) -> Iterator[tuple[str, str, str, float]]:
        """Yield name, kind, meaning and value of what has no labels."""
        slots, log = self._slots, self._log.counters
        swaps, failures = sum(one.swaps for one in slots), sum(one.failures for one in slots)
        behind = any(one.failure is not None for one in slots)
        yield "mlo_model_swaps_total", "counter", "Versions swapped in", swaps
        yield "mlo_model_failures_total", "counter", "Versions that did not load", failures
        yield "mlo_model_behind", "gauge", "1 while a version due does not load", behind
        yield "mlo_batches_total", "counter", "Calls into the model", self._batcher.batches
        yield "mlo_waiting_rows", "gauge", "Rows that wait for the model", self._batcher.rows
        yield "mlo_log_written_total", "counter", "Predictions in the log", log.written
        yield (
            "mlo_log_dropped_total",
            "counter",
            "Predictions answered but not logged",
            log.dropped,
        )
        yield (
            "mlo_log_failures_total",
            "counter",
            "Refusals of the disk under the log",
            log.failures,
        )
        yield (
            "mlo_log_waiting_rows",
            "gauge",
            "Predictions that wait for the log",
            self._log.waiting,
        )


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
