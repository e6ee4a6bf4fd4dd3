"""Looking as often as one likes, and still being wrong no more often than stated."""

import numpy
import pytest
from scipy import special, stats

from mlops_cli.registry.sequential import evidence, p_value, ratio, wilson


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (9, 10), (37, 400), (400, 400)])
def test_the_interval_of_a_rate_is_wilsons(hits: int, count: int) -> None:
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
    found = wilson(hits, count)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_evidence_is_the_mixtures_likelihood_over_that_of_the_known_coin() -> None:
    coins = numpy.linspace(0, 1, 200_001)[1:-1]
    prior = stats.beta(30, 70).pdf(coins)
    explained = (prior * coins**25 * (1 - coins) ** 40).mean()
    expected = numpy.log(explained / (0.3**25 * 0.7**40))
    assert evidence(40, 25, chance=0.3) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("chance", [0.5, 0.1])
def test_peeking_after_every_conversion_finds_a_difference_that_is_none_in_one_of_twenty_at_most(
    chance: float,
) -> None:
    tosses = numpy.random.default_rng(7).random((3000, 4000)) < chance
    second = tosses.cumsum(axis=1)
    first = numpy.arange(1, 4001) - second
    a, b = 100 * chance, 100 * (1 - chance)
    grown = (
        special.betaln(a + second, b + first)
        - special.betaln(a, b)
        - second * numpy.log(chance)
        - first * numpy.log1p(-chance)
    )
    at = int(second[5, 999]), int(first[5, 999])
    assert grown[5, 999] == pytest.approx(evidence(at[1], at[0], chance=chance), abs=1e-6)
    wrong = (grown.max(axis=1) > numpy.log(20)).mean()
    assert 0.005 < wrong <= 0.05


def test_a_real_difference_is_found() -> None:
    users = numpy.random.default_rng(8)
    first, second = users.binomial(4000, 0.10), users.binomial(4000, 0.14)
    assert p_value(first, second, chance=0.5) < 0.001
    found = ratio(first, second, chance=0.5)
    assert 1 < found.low < 1.4 < found.high


def test_nothing_seen_says_nothing() -> None:
    assert p_value(0, 0, chance=0.5) == 1
    found = ratio(0, 0, chance=0.2)
    assert (found.low, found.high) == (0, float("inf"))


def test_the_ratio_leaves_out_one_just_where_the_p_value_is_below_alpha() -> None:
    for second in range(100, 200, 7):
        told = p_value(100, second, chance=0.5) < 0.05
        found = ratio(100, second, chance=0.5)
        assert told == (not found.low <= 1 <= found.high)
