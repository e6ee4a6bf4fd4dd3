"""What drift's error rates and agreements are made of, on next to nothing and without peers."""

import numpy as np
import pytest

from benchmarks.drift import agreement, cases, errors


@pytest.mark.parametrize("kind", cases.KINDS)
def test_tables_have_nine_columns_and_are_always_the_same(kind: str) -> None:
    (reference, current), (again, _) = (
        next(iter(cases.unchanged(kind, (40, 60), 1))) for _ in range(2)
    )
    assert reference.shape == (40, 9)
    assert current.shape == (60, 9)
    assert reference.equals(again)


def test_shares_are_counted_over_pairs_of_tables() -> None:
    found = errors.flagged(cases.shifted(2, 3000, 2))
    assert (found.ours, found.plain) == (1.0, 1.0)


def test_statistics_are_those_of_scipy() -> None:
    found = list(agreement._scipy())
    assert {what for what, *_ in found} >= {"chi-square p", "Anderson-Darling statistic"}
    for what, _, ours, theirs in found:
        assert ours == pytest.approx(theirs, rel=1e-9), what


def test_columns_that_go_together_do_so_as_asked() -> None:
    frame = cases.together(np.random.default_rng(0), 4000, 0.6)
    assert frame["x"].corr(frame["y"]) == pytest.approx(0.6, abs=0.05)


def test_a_row_that_misses_its_limit_says_so() -> None:
    table = errors.Table(("table", "rows", "mlo", "at most", "", "Evidently", "p < 0.05"))
    rows: list[errors.Row] = []
    errors._line(table, rows, ("mixed", "9"), errors.Shares(0.04, 0.4), 0.03, None)
    assert table.lines == [("mixed", "9", "4 %", "3 %", "MISSED", "", "40 %")]
    assert not rows[0].holds
