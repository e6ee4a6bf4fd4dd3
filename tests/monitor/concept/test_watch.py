"""The detectors as they are set: few false alarms, and concept drift found that inputs do not show.

The streams are river's published generators: no input moves, only what inputs mean.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from river.datasets import synth

from mlops_cli.monitor.concept import watch

CHANGES: dict[str, tuple[Callable[..., Any], dict[str, Any], dict[str, Any]]] = {
    "STAGGER": (synth.STAGGER, {"classification_function": 0}, {"classification_function": 1}),
    "SEA": (synth.SEA, {"variant": 2, "noise": 0.1}, {"variant": 3, "noise": 0.1}),
    "Agrawal": (synth.Agrawal, {"classification_function": 0}, {"classification_function": 3}),
}
"""A generator, what it is at first, and what it becomes."""


def first(changes: Iterable[watch.Change]) -> dict[str, int]:
    """Return where each detector alarmed first."""
    places: dict[str, int] = {}
    for one in changes:
        places.setdefault(one.detector, one.place)
    return places


def rule(name: str, row: dict[Any, Any]) -> bool:
    """Return what a model that knows the first concept answers."""
    if name == "STAGGER":
        return bool(row["size"] == 0 and row["color"] == 0)
    if name == "SEA":
        return bool(row[0] + row[1] > 7)
    return bool(row["age"] < 40 or row["age"] >= 60)


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_change_of_the_concept_alone_is_found(name: str) -> None:
    maker, before, after = CHANGES[name]
    errors = []
    for settings, seed in ((before, 1), (after, 2)):
        for row, truth in maker(seed=seed, **settings).take(1500):
            said = rule(name, row)
            errors.append(float(said != bool(truth)))
    right = 1 - np.mean(errors[:1500])
    wrong = errors if right > 0.5 else [1 - one for one in errors]
    found = first(watch.changes(np.array(wrong)))
    assert set(found) >= {"ADWIN", "Page-Hinkley"}
    assert all(1500 <= place < 2200 for place in found.values())


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_errors_that_do_not_change_raise_few_alarms(rate: float) -> None:
    rng = np.random.default_rng(7)
    streams = [(rng.random(4000) < rate).astype(float) for _ in range(20)]
    usual = rate, float(np.sqrt(rate * (1 - rate)))
    alarmed = sum(bool(watch.changes(one, usual=usual)) for one in streams)
    assert alarmed <= 3


def test_errors_of_numbers_are_watched_too() -> None:
    rng = np.random.default_rng(3)
    errors = np.abs(np.concatenate([rng.normal(size=1500), 1.6 * rng.normal(size=1500)]))
    found = watch.changes(errors)
    assert set(first(found)) == {"ADWIN", "Page-Hinkley"}
    assert all(one.place >= 1500 and one.after > one.before for one in found)


def test_a_change_says_what_errors_were_and_became() -> None:
    rng = np.random.default_rng(4)
    errors = np.concatenate([rng.random(2000) < 0.1, rng.random(1000) < 0.4]).astype(float)
    found = next(one for one in watch.changes(errors) if one.detector == "Page-Hinkley")
    assert found.before == pytest.approx(0.1, abs=0.03)
    assert found.after == pytest.approx(0.4, abs=0.12)


def test_a_model_that_is_never_wrong_is_watched() -> None:
    errors = np.concatenate([np.zeros(3500), np.ones(60)])
    assert set(first(watch.changes(errors, usual=(0.0, 0.0)))) == {"ADWIN", "Page-Hinkley", "DDM"}
    assert watch.changes(np.zeros(0)) == []
