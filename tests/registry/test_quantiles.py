"""Ranks of any stream, in bounded memory."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_cli.registry import quantiles
from mlops_cli.registry.quantiles import KEPT, Quantiles


def seen(values: np.ndarray, block: int) -> Quantiles:
    found = Quantiles()
    for start in range(0, len(values), block):
        found.add(values[start : start + block])
    return found


def test_no_value_gives_no_grid() -> None:
    assert Quantiles().grid(5).size == 0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_few_values_are_kept_exactly(values: list[float]) -> None:
    grid = seen(np.array(values), 7).grid(len(values))
    assert grid.tolist() == sorted(values)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["random", "rising", "falling", "waves"]))
def test_no_rank_is_off_by_more_than_a_quarter_of_a_percent(seed: int, order: str) -> None:
    values = np.random.default_rng(seed).permutation(300_000).astype(float)
    if order != "random":
        values.sort()
    if order == "falling":
        values = values[::-1]
    if order == "waves":
        values = np.concatenate([values[::3], values[1::3][::-1], values[2::3]])
    grid = seen(values, 20_000).grid(1001)
    assert np.abs(grid / 300_000 - np.linspace(0, 1, 1001)).max() < 0.0025


def test_memory_is_bounded() -> None:
    found = seen(np.arange(2_000_000.0), 100_000)
    assert sum(map(len, found.levels)) < 2 * KEPT * len(found.levels)
    assert len(found.levels) < 12
    assert quantiles.KEPT == 4096
