"""Batches: who is answered together, by a real model that is made slow."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.batch import Batcher, Work
from mlops_cli.serving.live import Answers, Live
from mlops_cli.serving.metrics import Metrics
from mlops_cli.serving.validate import Columns
from tests.serving.conftest import ROW, Shelf

CLIENTS, REQUESTS = 8, 12


@contextmanager
def batcher(shelf: Shelf) -> Iterator[Batcher]:
    log = PredictionWriter(shelf.repo.layout.predictions, warn=print)
    made = Batcher(log, Metrics(), say=print, most_rows=1000, most_bytes=1_000_000)
    yield made
    made.close()
    log.close()


def slow(live: Live) -> Live:
    """Return a version that takes 20 ms for a batch of any size."""

    def answer(columns: Columns) -> Answers:
        time.sleep(0.02)
        return live.answer(columns)

    return replace(live, answer=answer, row_s=0.02)


async def ask(batcher: Batcher, live: Live, times: int) -> list[Answered]:
    answers = []
    for _ in range(times):
        waiting: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        batcher.put(Work(live, live.validator.rows([ROW]), 100, waiting))
        answers.append(await waiting)
    return answers


async def together(batcher: Batcher, live: Live) -> list[list[Answered]]:
    return await asyncio.gather(*[ask(batcher, live, REQUESTS) for _ in range(CLIENTS)])


def test_clients_of_a_slow_model_that_come_back_at_once_share_its_batches(shelf: Shelf) -> None:
    with batcher(shelf) as made:
        answered = asyncio.run(together(made, slow(shelf.find().load())))
    # without waiting for those who were just answered, half would be asked at a time
    assert made.batches < CLIENTS * REQUESTS / 5
    numbers = [one.first for client in answered for one in client]
    assert len(set(numbers)) == CLIENTS * REQUESTS


def test_a_lone_client_is_answered_by_itself_each_time(shelf: Shelf) -> None:
    with batcher(shelf) as made:
        asyncio.run(ask(made, slow(shelf.find().load()), 3))
    assert made.batches == 3
