"""How much was answered, and by which versions, is known from the log alone."""

from collections import Counter
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, create
from mlops_cli.data import prediction_log as log
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.data.predictions import counted
from mlops_cli.data.predictions.segment import Tally


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def source(version: int, role: str = "answer") -> log.Source:
    return log.Source("iris", version, f"{version}" * 64, ("petal",), None, role)


def test_versions_that_answered_in_a_span_are_known_with_their_counts(repo: Repository) -> None:
    writer = PredictionWriter(repo.layout.predictions, warn=pytest.fail)
    sources = [source(1), source(2, "canary"), source(3, "shadow")]
    tickets = []
    for one in sources:
        ticket = writer.reserve(one, 2)
        writer.record(ticket, [[1.0, 2.0]], [3, 4], None)
        tickets.append(ticket)
    writer.close()
    first, end = tickets[0].time_us, tickets[-1].time_us + 1
    tally = Tally()
    everything = counted.answered_by(repo, "iris", first, end, tally)
    assert everything == Counter({(1, "1" * 64): 2, (2, "2" * 64): 2})
    only = counted.answered_by(repo, "iris", tickets[1].time_us, end, tally)
    assert only == Counter({(2, "2" * 64): 2})
    assert not counted.answered_by(repo, "iris", end, end + 5, tally)
    assert not counted.answered_by(repo, "nobody", 0, end, tally)
    assert tally.blocks == 0
