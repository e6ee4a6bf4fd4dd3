"""Rows are cut where what was learned ceases to hold, and nowhere else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mlops_cli.monitor.estimation import holds
from mlops_cli.monitor.estimation.holds import Answered, Off
from mlops_cli.monitor.estimation.stretches import Compare, Stretch, stretches


def comparing(rights: NDArray[np.float64]) -> Compare:
    """Return what compares rows of a model that is right in nine of ten, as far as it is known."""
    rng = np.random.default_rng(7)
    reference = _of((rng.random(1000) < 0.9).astype(float), 0.9)

    def off(older: slice | None, newer: slice) -> Off:
        if older is None:
            return holds.of_answers(reference, _of(rights[newer], 0.9))
        usual = float(rights[older].mean())
        return holds.of_answers(_of(rights[older], usual), _of(rights[newer], usual))

    return off


def _of(right: NDArray[np.float64], expected: float) -> Answered:
    same = np.full(len(right), expected)
    return Answered(same, same, right, np.zeros(len(right), dtype=np.int64))


def course(seed: int, *parts: tuple[int, float]) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.concatenate([(rng.random(rows) < share).astype(float) for rows, share in parts])


def test_rows_that_did_not_change_are_one_stretch() -> None:
    found = [stretches(1500, comparing(course(seed, (1500, 0.9)))) for seed in range(60)]
    assert sum(one != [Stretch(0, 1500, usual=True)] for one in found) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_a_change_is_dated_near_where_it_is(seed: int) -> None:
    found = stretches(1000, comparing(course(seed, (800, 0.9), (200, 0.4))))
    assert [one.usual for one in found] == [True, False]
    assert found[-1].first == pytest.approx(800, abs=25)


def test_a_second_change_is_learned_anew() -> None:
    found = stretches(1500, comparing(course(1, (600, 0.9), (600, 0.5), (300, 0.1))))
    assert [one.usual for one in found] == [True, False, False]
    assert found[-1].first == pytest.approx(1200, abs=25)


def test_what_comes_back_is_the_reference_again() -> None:
    found = stretches(1500, comparing(course(2, (500, 0.9), (500, 0.3), (500, 0.9))))
    assert [one.usual for one in found] == [True, False, True]
    assert found[-1].first == pytest.approx(1000, abs=25)


def test_too_few_rows_tell_nothing() -> None:
    assert stretches(99, comparing(course(3, (99, 0.0)))) == [Stretch(0, 99, usual=True)]
    assert stretches(0, comparing(course(3, (0, 0.0)))) == [Stretch(0, 0, usual=True)]
