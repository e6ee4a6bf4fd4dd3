"""Where only the truth changes, and no input does, estimates follow the labels that there are.

`python -m benchmarks estimation` measures this at length.
"""

import re

import numpy as np
import pytest

from benchmarks.drift import performance as tries
from benchmarks.estimation import cases, report
from benchmarks.estimation.cases import DRIFTS, LATE, Drift, Mask, Stream
from mlops_cli.monitor.live import Span
from mlops_cli.monitor.performance import calibrated, judge
from mlops_cli.monitor.performance.check import check
from mlops_cli.monitor.performance.look import Look
from mlops_cli.monitor.report.grounds import grounds
from tests.monitor.performance.conftest import Clinic, houses, patients

STAGGER, SEA, AGRAWAL = DRIFTS[0], DRIFTS[3], DRIFTS[4]
_MADE: dict[Drift, Stream] = {}


def stream(drift: Drift) -> Stream:
    """Return answers to 1,200 rows held out, of the old concept and of the new, made once."""
    if drift not in _MADE:
        _MADE[drift] = cases.stream(drift, 1200, fitted=1500)
    return _MADE[drift]


def seen(drift: Drift, labelled: Mask) -> Look:
    made = stream(drift)
    return cases.seen(made.held, made.live, labelled, LATE)


@pytest.mark.parametrize("drift", [STAGGER, SEA, AGRAWAL], ids=lambda one: one.kind)
def test_late_labels_tell_of_rows_that_have_none_yet(drift: Drift) -> None:
    made = stream(drift)
    newest = calibrated.rows(made.new, slice(made.new.rows - LATE, None))
    truth = float((newest.truth == newest.predicted).mean())
    it = seen(drift, cases.late(made.live.rows))
    of, by = it.estimator.of, it.estimator.grounds
    assert of is not None
    assert by is not None
    last = of(made.live.rows - LATE, made.live.rows)["accuracy"].value
    assert last == pytest.approx(truth, abs=0.07)
    assert last < it.estimator.before["accuracy"].value - 0.05
    assert (by.by, by.ahead) == ("labels", LATE)
    assert by.rows == pytest.approx(700, abs=40)
    assert judge.judge(it, realized=False).verdict == "dropped"


@pytest.mark.parametrize("drift", [STAGGER, SEA, AGRAWAL], ids=lambda one: one.kind)
def test_without_labels_nothing_is_seen_and_that_is_said(drift: Drift) -> None:
    it = seen(drift, cases.none(2400))
    of, by = it.estimator.of, it.estimator.grounds
    assert of is not None
    assert by is not None
    assert of(1900, 2400)["accuracy"].value == pytest.approx(
        it.estimator.before["accuracy"].value, abs=0.02
    )
    assert (by.by, by.checked, by.ahead) == ("reference", 0, 2400)


def test_it_takes_no_more_than_a_hundred_labels_of_a_plain_change() -> None:
    """With too few of the new concept the hundred newest are of both, which is change enough."""
    for drift in (STAGGER, AGRAWAL):
        after = report.noticed_after(stream(drift))
        assert after is not None
        assert after <= 100


def test_one_label_in_twenty_does() -> None:
    made = cases.stream(STAGGER, 3000, fitted=1500)
    it = cases.seen(made.held, made.live, cases.few(6000), 500)
    assert it.estimator.of is not None
    truth = float((made.new.truth == made.new.predicted).mean())
    assert it.estimator.of(5500, 6000)["accuracy"].value == pytest.approx(truth, abs=0.12)
    assert judge.judge(it, realized=False).verdict == "dropped"


def test_streams_that_do_not_change_keep_the_value_of_the_reference() -> None:
    anew = dropped = 0
    for held, live in cases.unchanged(SEA, 600, 1500, 25):
        it = cases.seen(held, live, cases.late(1500), LATE)
        assert it.estimator.grounds is not None
        anew += it.estimator.grounds.by == "labels"
        dropped += judge.judge(it, realized=False).verdict == "dropped"
    assert anew <= 1
    assert dropped == 0


def test_of_three_classes_too() -> None:
    rng = np.random.default_rng(1)
    held, old, new = (tries.three(rng, 1500) for _ in range(3))
    new.truth[:] = (new.truth + 1) % 3
    live = cases.together(old, new)
    it = cases.seen(held, live, cases.late(3000), LATE)
    assert it.estimator.of is not None
    truth = float((new.truth == new.predicted)[-LATE:].mean())
    assert it.estimator.of(2500, 3000)["accuracy"].value == pytest.approx(truth, abs=0.07)
    assert judge.judge(it, realized=False).verdict == "dropped"


def test_of_a_regressor_errors_are_learned_anew(agency: Clinic) -> None:
    agency.evaluate(houses(1500, 1))
    agency.answer(houses(1000, 2), days=5)
    agency.answer(houses(1000, 3, off=2.5), days=5)
    blind = check(agency.shop.repo, "prices", window="500")
    assert blind.verdict == "ok"
    agency.label(0, 1500)
    found = check(agency.shop.repo, "prices", window="500")
    assert found.grounds is not None
    assert found.grounds.by == "labels"
    assert found.grounds.rows == pytest.approx(500, abs=120)
    mae = {one.metric: one.value for one in found.windows[-1].estimated}["mae"]
    assert mae == pytest.approx(2.5 * 1.6, rel=0.15)
    assert not found.windows[-1].realized
    assert not found.windows[0].dropped


def test_labels_from_before_the_span_count_where_it_has_few(clinic: Clinic) -> None:
    clinic.evaluate(patients(2000, 1))
    clinic.answer(patients(1000, 2, flipped=0.4), days=2)
    clinic.answer(patients(1000, 3, flipped=0.4), days=1)
    clinic.label(0, 1000)
    found = check(clinic.shop.repo, "ills", span=Span("2026-01-03", "2026-01-04"))
    assert (found.labelled, found.verdict, found.basis) == (0, "dropped", "estimate")
    assert found.grounds is not None
    assert found.grounds.rows == pytest.approx(1000, abs=50)
    assert f"1,000 predictions without labels by {found.grounds.rows:,} newer" in found.reason


def test_newer_labels_that_are_all_the_same_give_no_value_that_is_no_number(
    clinic: Clinic,
) -> None:
    clinic.evaluate(patients(1000, 1))
    rows = patients(800, 2)
    rows.answers.truth[:] = 0
    clinic.answer(rows, days=2)
    clinic.label(0, 300)
    found = check(clinic.shop.repo, "ills", window="400")
    assert found.grounds is not None
    assert found.grounds.by == "labels"
    for one in (one for part in found.windows for one in (*part.realized, *part.estimated)):
        assert all(x is None or np.isfinite(x) for x in (one.value, one.low, one.high, one.q)), one


def test_what_estimates_go_by_is_said_in_one_line(clinic: Clinic) -> None:
    clinic.evaluate(patients(2000, 1))
    clinic.answer(patients(1000, 2), days=10)
    said = [grounds(check(clinic.shop.repo, "ills"))]
    clinic.label(0, 40)
    said.append(grounds(check(clinic.shop.repo, "ills")))
    clinic.label(40, 900)
    said.append(grounds(check(clinic.shop.repo, "ills")))
    clinic.answer(patients(1000, 3, flipped=0.4), days=10)
    clinic.label(900, 1600)
    said.append(grounds(check(clinic.shop.repo, "ills")))
    blind = "a change of what inputs mean would not be seen"
    takes = "Estimated by test.csv alone: checking that takes 100 newer labels and there are"
    assert [re.sub(r"newest \d{3} ", "newest 600 ", one) for (one,) in said] == [
        f"{takes} none, so {blind}.",
        f"{takes} 40, so {blind}.",
        f"Estimated by test.csv, which holds for the newest 600 labels; {blind}"
        " in the 100 predictions since.",
        "Estimated by the newest 600 labels, as test.csv does not hold from 2026-01-11 00:00 UTC"
        f" on; {blind} in the 400 predictions since.",
    ]
