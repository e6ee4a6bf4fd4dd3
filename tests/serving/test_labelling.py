"""A label finds its prediction, however soon it is told."""

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from mlops_cli.data import prediction_log as log
from mlops_cli.data.prediction_writer import PredictionWriter, Ticket
from mlops_cli.serving.app import App
from mlops_cli.serving.labelling import Labelling
from mlops_cli.serving.reply import Reply

SOURCE = log.Source("plant", 1, "ab" * 32, ("petal",), ("no", "yes"))


def labelling(folder: Path) -> Labelling:
    app = SimpleNamespace(routes=SimpleNamespace(add=lambda *_, **__: None))
    return Labelling(cast("App", app), folder, max_body_bytes=10_000, max_labels=10)


async def told(labels: Labelling, *ids: str) -> Reply:
    data = orjson.dumps({"feedback": [{"id": one, "label": "yes"} for one in ids]})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    return await labels._answer(cast("Any", {"headers": headers}), cast("Any", receive))


def written(writer: PredictionWriter, ticket: Ticket) -> None:
    writer.record(ticket, [[1.0]], ["no"], [[0.5, 0.5]])
    writer.close()


def test_a_label_waits_for_a_segment_that_is_being_made_and_holds_up_no_other(
    tmp_path: Path,
) -> None:
    old = PredictionWriter(tmp_path, warn=pytest.fail)
    known = old.reserve(SOURCE, 1)
    written(old, known)
    labels = labelling(tmp_path)
    elsewhere = PredictionWriter(tmp_path / "elsewhere", warn=pytest.fail)
    new = elsewhere.reserve(SOURCE, 1)
    written(elsewhere, new)
    (made,) = (tmp_path / "elsewhere").rglob("*.seg")
    aside = made.rename(tmp_path / "aside")

    async def both() -> tuple[Reply, Reply]:
        early = asyncio.create_task(told(labels, f"{new.segment}-{new.first}"))
        other = await told(labels, f"{known.segment}-{known.first}")
        assert not early.done()
        threading.Timer(0.05, lambda: aside.rename(made)).start()
        return other, await early

    replies = asyncio.run(both())
    labels.close()
    assert [one.status for one in replies] == [200, 200]
    assert [orjson.loads(one.body)["new"] for one in replies] == [1, 1]


def test_a_label_of_a_segment_that_never_comes_is_unknown(tmp_path: Path) -> None:
    labels = labelling(tmp_path)
    reply = asyncio.run(told(labels, "00c0ffee00c0ffee-1"))
    labels.close()
    assert reply.status == 404
