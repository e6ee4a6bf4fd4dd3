"""What is measured of estimates, on few rows; other tools are not asked."""

import pytest

from benchmarks.estimation import cases, report


def test_unchanged_streams_are_drawn_anew_and_always_alike() -> None:
    first, second = (list(cases.unchanged(cases.DRIFTS[0], 50, 60, 2)) for _ in range(2))
    for (held, live), (again, _) in zip(first, second, strict=True):
        assert (held.rows, live.rows) == (50, 60)
        assert held.truth.tolist() == again.truth.tolist()
    assert first[0][0].truth.tolist() != first[1][0].truth.tolist()


def test_estimates_without_labels_with_late_ones_and_with_few() -> None:
    stream = cases.stream(cases.DRIFTS[1], 1500, fitted=800)
    none, late, few = report.estimated(stream, choices=2)
    assert none == pytest.approx(1.0, abs=0.01)
    assert late == pytest.approx(0.22, abs=0.05)
    assert len(few) == 2
