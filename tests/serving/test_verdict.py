"""A worse version is told from one that is as good, at a rate of false alarms that is stated."""

import numpy
import pytest
from scipy import stats

from mlops_cli.serving.metrics import FINE_S, STEP, Outcomes
from mlops_cli.serving.verdict import Looks, Rules, more_errors, slower

BUCKETS = len(FINE_S) + 1


def outcomes(good: int, bad: int, times: "numpy.ndarray | None" = None) -> Outcomes:
    counts = [0] * BUCKETS if times is None else numpy.bincount(times, minlength=BUCKETS).tolist()
    return Outcomes(good, bad, tuple(counts))


@pytest.mark.parametrize(
    ("old_bad", "old", "new_bad", "new"),
    [
        (1, 24, 8, 12),
        (0, 1000, 5, 100),
        (10, 500, 12, 500),
        (300, 10_000, 80, 1000),
        (5, 10, 5, 10),
    ],
)
def test_the_test_of_errors_is_fishers(old_bad: int, old: int, new_bad: int, new: int) -> None:
    table = [[new_bad, new - new_bad], [old_bad, old - old_bad]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert more_errors(old_bad, old, new_bad, new) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("steps", [0, 3])
def test_the_test_of_times_is_mann_and_whitneys(steps: int) -> None:
    chance = numpy.random.default_rng(1)
    old, new = chance.integers(0, 20, 300), chance.integers(2, 24, 100)
    expected = stats.mannwhitneyu(new, old + steps, alternative="greater", method="asymptotic")
    found = slower(outcomes(0, 0, old).seconds, outcomes(0, 0, new).seconds, factor=STEP**steps)
    assert found == pytest.approx(expected.pvalue, rel=1e-9)


def test_without_enough_requests_there_is_no_verdict() -> None:
    looks = Looks(Rules(least=50))
    assert looks.judge(outcomes(500, 0), outcomes(0, 49)) is None
    assert looks.judge(outcomes(500, 0), outcomes(0, 50)) is not None


def test_a_version_that_fails_is_found_at_the_first_look_and_the_verdict_says_what_was_seen() -> (
    None
):
    worse = Looks(Rules()).judge(outcomes(445, 5), outcomes(40, 10))
    assert worse is not None
    assert str(worse).startswith("share of errors 20.00%, before 1.11% (p = ")


def test_a_slow_version_is_found_and_one_within_the_factor_is_not() -> None:
    chance = numpy.random.default_rng(2)
    old = chance.integers(40, 50, 1000)
    same, slow = chance.integers(42, 52, 100), chance.integers(52, 62, 100)
    rules = Rules(latency_factor=1.5)
    assert Looks(rules).judge(outcomes(1000, 0, old), outcomes(100, 0, same)) is None
    worse = Looks(rules).judge(outcomes(1000, 0, old), outcomes(100, 0, slow))
    assert worse is not None
    assert worse.test == "time of a call"


def test_versions_that_are_alike_are_sent_back_no_more_often_than_stated() -> None:
    chance = numpy.random.default_rng(3)
    alpha, rounds, alarms = 0.1, 400, 0
    for _ in range(rounds):
        looks = Looks(Rules(least=50, alpha=alpha, latency_factor=1.0))
        new, old = (
            (chance.random(1600 * more) < 0.05, chance.integers(30, 60, 1600 * more))
            for more in (1, 4)
        )
        for seen in range(50, 1600, 10):
            verdict = looks.judge(
                *(
                    outcomes(end - int(bad[:end].sum()), int(bad[:end].sum()), times[:end])
                    for (bad, times), end in ((old, 4 * seen), (new, seen))
                )
            )
            if verdict is not None:
                alarms += 1
                break
    assert alarms / rounds <= alpha
