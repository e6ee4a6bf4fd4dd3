"""What was learned is said not to hold rarely where it does, and soon where it does not."""

import numpy as np
import pytest

from mlops_cli.monitor.estimation import holds
from mlops_cli.monitor.estimation.holds import Answered, Lost
from mlops_cli.monitor.performance import drop


def answered(seed: int, rows: int, *, wrong: float = 0.0) -> Answered:
    """Return answers as often right as is said, but for a share that is wrong instead."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.5, 1.0, rows)
    right = (rng.random(rows) < sure) & (rng.random(rows) >= wrong)
    return Answered(sure, sure, right.astype(float), rng.integers(0, 2, rows))


def test_few_hits_are_as_unlikely_as_fisher_says_where_few_rows_are_behind() -> None:
    """The older rows are a sample too: what they foretell is not taken for the truth."""
    exact = drop.fisher(30, 50, 190, 200)
    assert holds.surprise(30, 50, 0.95, 200) == pytest.approx(2 * exact, rel=0.5)
    assert holds.surprise(30, 50, 0.95, 200) > 10 * holds.surprise(30, 50, 0.95, 10**7)


def test_sure_of_all_few_wrong_ones_are_no_surprise_by_few_rows() -> None:
    assert holds.surprise(99, 100, 1.0, 100) == pytest.approx(1.0)
    assert holds.surprise(90, 100, 1.0, 1000) < 1e-6
    assert holds.surprise(0, 100, 0.0, 1000) == 1.0


@pytest.mark.parametrize("rows", [100, 1000])
def test_answers_right_as_often_as_expected_are_rarely_said_to_be_off(rows: int) -> None:
    p = [
        holds.of_answers(answered(seed, 500), answered(seed + 1000, rows)).p for seed in range(100)
    ]
    assert sum(one < 0.01 for one in p) <= 2
    assert sum(one < 0.1 for one in p) <= 15


def test_answers_that_are_wrong_more_often_are_found_and_shown() -> None:
    off = holds.of_answers(answered(1, 1000), answered(2, 300, wrong=0.3))
    assert off.p < 1e-6
    assert off.residuals.sum() < -30


def test_a_change_within_one_answer_alone_is_found() -> None:
    """Right as often in all, and yet off: one answer is better than it was, the other worse."""
    before, now = answered(1, 2000), answered(2, 600)
    now.right[:] = np.where(now.said == 1, 1.0, now.sure < 0.75)
    assert abs(now.right.mean() - now.expected.mean()) < 0.03
    assert holds.of_answers(before, now).p < 1e-6


def test_losses() -> None:
    rng = np.random.default_rng(3)

    def lost(rows: int, times: float = 1.0) -> Lost:
        usual = rng.uniform(1, 3, rows)
        return Lost(usual, usual * rng.exponential(size=rows) * times)

    before = lost(1000)
    p = [holds.of_losses(before, lost(200)).p for _ in range(100)]
    assert sum(one < 0.01 for one in p) <= 4
    assert holds.of_losses(before, lost(200, 1.6)).p < 1e-4
    same = Lost(np.ones(9), np.ones(9))
    assert holds.of_losses(same, same).p == 1.0
