"""The verdict rarely errs on a model that does as before, and finds one that does not.

`python -m benchmarks.drift.performance` measures this at length.
"""

import pytest

from benchmarks.drift import performance as tries


@pytest.mark.parametrize("kind", ["two classes alike", "one class in ten", "numbers, heavy tails"])
def test_no_more_false_alarms_than_is_said(kind: str) -> None:
    dropped, _ = tries.alarms(tries.KINDS[kind], 1000, 100, windows=6, times=40)
    assert dropped <= 0.05


def test_estimates_raise_few_false_alarms() -> None:
    dropped, _ = tries.alarms(tries.two, 500, 100, windows=6, times=25, labelled=False)
    assert dropped <= 0.08


def test_a_drop_is_found() -> None:
    dropped, window = tries.found(3000, 300, 0.1, windows=6, since=2, times=15)
    assert dropped >= 0.9
    assert window >= 0.5
