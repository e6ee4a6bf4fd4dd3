"""What became of an experiment is counted by users, as the prediction log has them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, create
from mlops_cli.data.prediction_log import segments
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.data.predictions import labels
from mlops_cli.data.predictions.segment import Source, Tally
from mlops_cli.errors import RequestError
from mlops_cli.registry import events, experiment, models, promote, routes
from tests.conftest import Mlo
from tests.registry.test_routes import register


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = create(tmp_path)
    register(made)
    promote.promote(made, "plant@v1", "production")
    return made


Answer = Callable[[int, list[str | None], list[int]], None]


@pytest.fixture
def answer(repo: Repository) -> Answer:
    """Log that a version answered users, of whom those in some places converted."""

    def log(version: int, users: list[str | None], converted: list[int]) -> None:
        said: list[str] = []
        writer = PredictionWriter(repo.layout.predictions, warn=said.append)
        oid = models.model(repo, "plant").version(version).id
        source = Source("plant", version, oid, ("x",), None, "ab")
        ticket = writer.reserve(source, len(users))
        rows = [0.5] * len(users)
        writer.record(ticket, [rows], rows, None, keys=users, sizes=[1] * len(users))
        writer.close()
        assert said == []
        (path,) = [
            one for one in segments(repo.layout.predictions, "plant") if one.stem == ticket.segment
        ]
        labels.of(path, Tally()).add(dict.fromkeys(converted, (True, 1)), durable=False)

    return log


def test_conversions_are_counted_by_user_and_compared(repo: Repository, answer: Answer) -> None:
    routes.begin(repo, "plant@v2", "ab", share=0.5, by="user_id")
    answer(1, [f"a{n % 500}" for n in range(1000)], [*range(50), *range(500, 550)])
    answer(2, [f"b{n}" for n in range(500)], list(range(120)))
    found = experiment.report(repo, "plant")
    main, other = found.outcomes
    assert (found.unit, found.predictions, found.labelled, found.lost) == ("user", 1500, 220, 0)
    assert (main.version, main.units, main.converted, main.p) == (1, 500, 50, None)
    assert (other.version, other.units, other.converted, other.rate) == (2, 500, 120, 0.24)
    assert other.p is not None
    assert other.p < 0.001
    assert other.ratio is not None
    assert 1 < other.ratio.low < 2.4 < other.ratio.high
    assert found.decided


def test_what_counts_as_success_can_be_said(repo: Repository, answer: Answer) -> None:
    routes.begin(repo, "plant@v2", "ab", share=0.5, by="user_id")
    answer(2, ["u1"], [0])
    assert experiment.report(repo, "plant", success="true").outcomes[1].converted == 1
    assert experiment.report(repo, "plant", success="bought").outcomes[1].converted == 0


def test_a_success_that_no_feedback_has_is_told_with_what_there_is(
    repo: Repository, answer: Answer, mlo_here: Mlo
) -> None:
    routes.begin(repo, "plant@v2", "ab", share=0.5, by="user_id")
    assert not experiment.report(repo, "plant", success="late").unmet
    answer(2, ["u1", "u2"], [0])
    assert not experiment.report(repo, "plant", success="true").unmet
    found = experiment.report(repo, "plant", success="late")
    assert (found.unmet, found.labels) == (True, ("true",))
    told = mlo_here("ab", "report", "plant", "--success", "late", cwd=repo.root)
    assert "no feedback is 'late', so nothing converted; it is 'true'" in told.stderr


def test_an_experiment_counts_from_its_last_change_to_its_end(
    repo: Repository, answer: Answer
) -> None:
    routes.begin(repo, "plant@v2", "ab", share=0.2, by="user_id")
    answer(2, ["early"], [0])
    routes.begin(repo, "plant@v2", "ab", share=0.5)
    answer(2, ["u1", "u2"], [0])
    routes.end(repo, "plant", "ab", how="stopped")
    answer(2, ["late"], [0])
    found = experiment.report(repo, "plant")
    assert found.outcomes[1].units == 2
    assert found.until == models.model(repo, "plant").events[-1].time


def test_a_promotion_ends_it(repo: Repository) -> None:
    routes.begin(repo, "plant@v2", "ab", share=0.5, by="user_id")
    promote.promote(repo, "plant@v2", "production")
    found = experiment.report(repo, "plant")
    assert ([one.version for one in found.outcomes], found.until is None) == ([1, 2], False)


def test_without_an_experiment_there_is_nothing_to_report(repo: Repository) -> None:
    with pytest.raises(RequestError, match="there was no experiment on plant@production"):
        experiment.report(repo, "plant")
    assert events.head(repo, "plant") is not None
