"""Each detector finds what river's finds, value for value, on streams whose mean jumps."""

import random

import pytest
from river import drift

from mlops_cli.monitor.concept.adwin import Adwin
from mlops_cli.monitor.concept.ddm import DriftDetectionMethod
from mlops_cli.monitor.concept.page_hinkley import PageHinkley


def errors(seed):
    """Return 3,000 zeros and ones whose share of ones jumps now and then."""
    rng = random.Random(seed)
    share, stream = 0.2, []
    for _ in range(3000):
        if rng.random() < 0.002:
            share = rng.random()
        stream.append(float(rng.random() < share))
    return stream


def numbers(seed):
    rng = random.Random(seed)
    return [rng.gauss(3 * one, 1) for one in errors(seed)]


@pytest.mark.parametrize("stream", [errors(1), numbers(2), numbers(3)])
@pytest.mark.parametrize(
    ("delta", "every", "of_a_size", "least", "grace"),
    [(0.002, 32, 5, 5, 10), (0.05, 8, 2, 1, 5), (0.05, 1, 9, 20, 50)],
)
def test_adwin(stream, delta, every, of_a_size, least, grace):
    ours = Adwin(delta=delta, every=every, of_a_size=of_a_size, least=least, grace=grace)
    # river's ADWIN empties its window after each change; what it wraps goes on, as the paper has it
    theirs = drift.ADWIN(
        delta=delta,
        clock=every,
        max_buckets=of_a_size,
        min_window_length=least,
        grace_period=grace,
    )._helper
    found = 0
    for value in stream:
        changed = ours.update(value)
        assert changed == theirs.update(value)
        assert ours.width == theirs.get_width()
        assert ours.mean * ours.width == pytest.approx(theirs.get_total(), abs=1e-8)
        assert ours.variance * ours.width == pytest.approx(theirs.get_variance(), abs=1e-7)
        found += changed
    assert found > 1


@pytest.mark.parametrize("stream", [errors(4), numbers(5)])
@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_page_hinkley(stream, direction):
    ours = PageHinkley(threshold=15.0, direction=direction)
    theirs = drift.PageHinkley(threshold=15.0, mode=direction)
    found = 0
    for value in stream:
        theirs.update(value)
        changed = ours.update(value)
        assert changed == theirs.drift_detected
        found += changed
    assert found > 0


@pytest.mark.parametrize("seed", [6, 7, 8])
def test_ddm(seed):
    ours, theirs = DriftDetectionMethod(), drift.binary.DDM()
    said = set()
    for value in errors(seed):
        theirs.update(bool(value))
        state = ours.update(wrong=bool(value))
        assert (state == "drift") == theirs.drift_detected
        assert (state == "warning") == (theirs.warning_detected and not theirs.drift_detected)
        said.add(state)
    assert said == {"stable", "warning", "drift"}


def test_a_stream_that_does_not_change_raises_no_alarm():
    rng = random.Random(9)
    detector = Adwin()
    assert not any(detector.update(float(rng.random() < 0.3)) for _ in range(20_000))
    assert detector.width == 20_000
