"""A rise of errors is told where there is one, and not where rows are only much alike."""

import numpy as np
import pytest
from scipy import stats

from mlops_cli.monitor.retrain import errors
from mlops_cli.monitor.retrain.errors import Base, Blocks, blocks, change_point, risen, spread

BASE = Base(200, 2000)


def looks(wrong: np.ndarray, base: Base, every: int = 200) -> int | None:
    """Return after how many rows a rise was found, looking again and again; None for never."""
    for end in range(every, len(wrong) + 1, every):
        if risen(blocks(wrong[:end]), base, rise=0.02) is not None:
            return end
    return None


def test_steady_errors_are_no_rise_however_often_one_looks() -> None:
    rng = np.random.default_rng(1)
    streams = [rng.random(5000) < 0.1 for _ in range(200)]
    assert sum(looks(one, BASE) is not None for one in streams) <= 6


def test_errors_that_double_are_found_soon() -> None:
    rng = np.random.default_rng(2)
    late = []
    for _ in range(50):
        wrong = np.concatenate([rng.random(2000) < 0.1, rng.random(2000) < 0.2])
        found = looks(wrong, BASE)
        assert found is not None
        assert found > 2000
        late.append(found - 2000)
    assert np.median(late) <= 400


def test_errors_that_come_in_bursts_are_no_rise() -> None:
    """Hours of a real stream are better and worse by turns: chance alone would not do that."""
    told = untold = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        wrong = rng.random(6000) < np.repeat(rng.beta(2, 6, size=60), 100)
        known = wrong[:2000]
        base = Base(int(known.sum()), 2000, spread(blocks(known)) or 1.0)
        assert base.spread > 3
        told += looks(wrong[2000:], base) is not None
        untold += looks(wrong[2000:], Base(base.wrong, base.rows)) is not None
    assert told <= 3
    assert untold >= 2 * told


def test_fewer_errors_are_no_rise() -> None:
    assert risen(Blocks((10, 2, 1, 0), (100,) * 4), BASE, rise=0.02) is None


def test_a_rise_too_small_to_matter_is_none() -> None:
    many = Blocks((11_500,), (100_000,))
    assert risen(many, Base(10_000, 100_000), rise=0.02) is None
    assert risen(many, Base(10_000, 100_000), rise=0.01) is not None


def test_with_nothing_known_before_the_first_rows_are_what_is_compared_with() -> None:
    assert risen(Blocks((10,), (100,)), Base(), rise=0.02) is None
    assert risen(Blocks((10, 11, 50), (100,) * 3), Base(), rise=0.02) is not None


def test_the_test_is_the_one_of_two_shares() -> None:
    found = risen(Blocks((30,), (100,)), Base(100, 1000), rise=0.02)
    assert found is not None
    share = 130 / 1100
    z = 0.2 / np.sqrt(share * (1 - share) * (1 / 1000 + 1 / 100))
    assert found.p == pytest.approx(stats.norm.sf(z), rel=1e-9)


def test_the_spread_is_pearsons_statistic_by_its_degrees_of_freedom() -> None:
    wrong = (3, 9, 14, 22, 5)
    table = np.array([wrong, [100 - one for one in wrong]])
    expected = stats.chi2_contingency(table).statistic / 4
    assert spread(Blocks(wrong, (100,) * 5)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("at", [0, 3, 9])
def test_the_change_is_put_where_it_was(at: int) -> None:
    wrong = tuple(10 if place < at else 40 for place in range(12))
    assert change_point(Blocks(wrong, (100,) * 12), BASE) == at


def test_rows_that_fill_no_block_wait() -> None:
    assert len(blocks(np.zeros(errors.BLOCK - 1, dtype=bool))) == 0
    assert spread(blocks(np.zeros(0, dtype=bool))) is None
