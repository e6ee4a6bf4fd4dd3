"""Counters shared by processes: nothing is lost, neither by names that come late nor by a death."""

import os
import signal

from mlops_cli.serving.board import Board
from mlops_cli.serving.metrics import Metrics, outcomes


def forked(work: object) -> int:
    assert callable(work)
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def test_what_processes_count_is_summed_also_under_names_of_their_own() -> None:
    board = Board(3)
    here = Metrics(board, 2)
    here.count("/predict", 200)

    def count(part: int) -> None:
        metrics = Metrics(board, part)
        for _ in range(1000):
            metrics.count("/predict", 200)
            metrics.count(f"/only/{part}", 404)

    for pid in [forked(lambda part=part: count(part)) for part in (0, 1)]:
        os.waitpid(pid, 0)
    assert board.sums("requests") == {
        ("/predict", "200"): [2001],
        ("/only/0", "404"): [1000],
        ("/only/1", "404"): [1000],
    }


def test_a_process_that_is_killed_leaves_its_counts_and_no_lock() -> None:
    board = Board(2)

    def count_on() -> None:
        metrics = Metrics(board, 0)
        for number in range(5_000):  # far more than are waited for, and not for ever
            metrics.count(f"/{number}", 200)

    pid = forked(count_on)
    while len(board.sums("requests")) < 50:
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    before = board.sums("requests")
    Metrics(board, 0).count("/new", 200)
    assert board.sums("requests") == {**before, ("/new", "200"): [1]}


def test_what_others_count_goes_on_where_a_dead_process_stopped() -> None:
    board = Board(2)
    first = Metrics(board, 0)
    first.total("mlo_batches_total", 7)
    first.total("mlo_batches_total", 9)
    second = Metrics(board, 0)
    second.total("mlo_batches_total", 2)
    assert board.sums("mlo_batches_total") == {(): [11]}


def test_outcomes_are_kept_apart_by_version_and_role() -> None:
    metrics = Metrics()
    metrics.predicted("plant", 1, "answer", 5, seconds=0.001)
    metrics.failed("plant", 2, "canary")
    found = outcomes(metrics.board)
    assert (found["plant", 1, "answer"].good, sum(found["plant", 1, "answer"].seconds)) == (1, 1)
    assert (found["plant", 2, "canary"].bad, found["plant", 2, "canary"].requests) == (1, 1)


def test_when_there_is_no_more_room_counting_goes_on_without_harm() -> None:
    metrics = Metrics()
    metrics.count("/predict", 200)
    for version in range(500):
        metrics.predicted("plant", version, "answer", 1, seconds=0.001)
    assert metrics.board.sums("requests") == {("/predict", "200"): [1]}
    assert len(metrics.board.sums("versions")) < 500
