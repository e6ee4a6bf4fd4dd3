"""What `performance.check` says of models that do as before, worse, or nobody knows how."""

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.monitor.live import Span
from mlops_cli.monitor.performance.check import check
from tests.monitor.performance.conftest import Clinic, houses, patients


def test_a_model_that_does_as_before_holds(clinic: Clinic) -> None:
    clinic.evaluate(patients(2000, 1))
    clinic.answer(patients(3000, 2), days=10)
    clinic.label()
    found = check(clinic.shop.repo, "ills")
    assert (found.verdict, found.basis, found.holds) == ("ok", "labels", True)
    assert (found.predictions, found.labelled) == (3000, 3000)
    assert len(found.windows) == 10
    assert not any(window.dropped for window in found.windows)


def test_a_drop_is_found_by_labels_and_told_since_when(clinic: Clinic) -> None:
    clinic.evaluate(patients(2000, 1))
    clinic.answer(patients(3000, 2), days=10)
    clinic.answer(patients(1500, 3, flipped=0.1), days=5)
    clinic.label()
    found = check(clinic.shop.repo, "ills", window="1d")
    assert (found.verdict, found.basis) == ("dropped", "labels")
    assert found.since is not None
    assert "2026-01-08" < found.since.start < "2026-01-13"
    assert "accuracy is 0.7" in found.reason
    assert found.concept is not None
    assert "2026-01-11" <= found.concept.time < "2026-01-15"
    assert all(one.prediction in clinic.ids for one in found.alarms)


def test_a_drop_that_is_over_is_none(clinic: Clinic) -> None:
    clinic.evaluate(patients(2000, 1))
    clinic.answer(patients(1000, 2, flipped=0.2), days=5)
    clinic.answer(patients(6000, 3), days=15)
    clinic.label()
    found = check(clinic.shop.repo, "ills", window="1d")
    assert found.windows[0].dropped
    assert found.verdict == "ok"


def test_without_labels_a_drop_is_estimated_and_said_to_be(clinic: Clinic) -> None:
    clinic.evaluate(patients(3000, 1))
    clinic.answer(patients(2000, 2, middle=0.6), days=10)
    found = check(clinic.shop.repo, "ills")
    assert (found.verdict, found.basis) == ("dropped", "estimate")
    assert "is estimated to be" in found.reason
    assert found.windows[0].realized == ()
    assert {one.metric for one in found.windows[0].estimated} >= {"accuracy", "f1", "roc_auc"}


def test_estimates_stand_beside_what_came_true(clinic: Clinic) -> None:
    clinic.evaluate(patients(3000, 1))
    clinic.answer(patients(3000, 2), days=10)
    clinic.label(0, 2000)
    found = check(clinic.shop.repo, "ills", window="1000")
    for window in found.windows:
        known = {one.metric: one for one in window.realized}
        for one in window.estimated:
            if one.metric in known and one.low is not None and one.high is not None:
                value = known[one.metric].value
                assert value is not None
                assert one.low - 0.02 < value < one.high + 0.02
    assert [bool(window.realized) for window in found.windows] == [True, True, False]
    assert any("too few labels" in note for note in found.notes)
    assert found.delay.newest is not None
    assert found.delay.newest < "2026-01-08"


def test_labels_settle_what_estimates_cannot_see(clinic: Clinic) -> None:
    clinic.evaluate(patients(3000, 1))
    clinic.answer(patients(2000, 2, flipped=0.15), days=10)
    assert check(clinic.shop.repo, "ills").verdict == "ok"
    clinic.label()
    assert check(clinic.shop.repo, "ills").verdict == "dropped"


def test_a_regressor_by_labels_and_without(agency: Clinic) -> None:
    agency.evaluate(houses(2000, 1))
    agency.answer(houses(1500, 2, off=1.5), days=5)
    found = check(agency.shop.repo, "prices")
    assert (found.task, found.verdict, found.basis) == ("regression", "ok", "estimate")
    guessed = {one.metric: one.value for one in found.windows[0].estimated}
    assert guessed["mae"] == pytest.approx(1.6, rel=0.1)
    agency.label()
    found = check(agency.shop.repo, "prices")
    assert (found.verdict, found.basis) == ("dropped", "labels")
    assert {one.metric for one in found.windows[0].realized} == {"mae", "rmse", "bias", "r2"}


def test_without_an_evaluation_it_is_said_what_to_type(clinic: Clinic) -> None:
    clinic.answer(patients(500, 2))
    clinic.label()
    found = check(clinic.shop.repo, "ills")
    assert (found.verdict, found.hint) == ("unknown", "mlo evaluate ills@v1")
    assert "never evaluated" in found.reason
    assert found.windows[0].realized[0].value is not None


def test_a_model_that_was_not_asked_is_unknown(clinic: Clinic) -> None:
    clinic.evaluate(patients(500, 1))
    found = check(clinic.shop.repo, "ills")
    assert (found.verdict, found.predictions, found.windows) == ("unknown", 0, ())


def test_too_few_labels_are_said(clinic: Clinic) -> None:
    clinic.evaluate(patients(500, 1))
    clinic.answer(patients(400, 2))
    clinic.label(0, 20)
    found = check(clinic.shop.repo, "ills", estimate=False)
    assert found.verdict == "unknown"
    assert "20 labels" in found.reason


def test_segments_and_groups(clinic: Clinic) -> None:
    clinic.evaluate(patients(3000, 1), columns=["ward"])
    rows = patients(3000, 2)
    wrong = (rows.inputs["ward"] == "north").to_numpy() & (rows.inputs["width"] > 0).to_numpy()
    rows.answers.predicted[wrong] = 0
    clinic.answer(rows, days=4)
    clinic.label()
    found = check(clinic.shop.repo, "ills", segment="ward", sensitive=["ward"])
    dropped = {one.value: any(metric.dropped for metric in one.realized) for one in found.segments}
    assert dropped == {"north": True, "south": False}
    grown = {one.metric for one in found.gaps if one.grown}
    assert "demographic_parity_difference" in grown
    assert "equalized_odds_difference" in grown


def test_a_column_that_the_model_does_not_take(clinic: Clinic) -> None:
    with pytest.raises(RequestError, match="is not given a column 'region'"):
        check(clinic.shop.repo, "ills", segment="region")


def test_a_span_counts_only_what_is_in_it(clinic: Clinic) -> None:
    clinic.evaluate(patients(2000, 1))
    clinic.answer(patients(1000, 2, flipped=0.3), days=5)
    clinic.answer(patients(1000, 3), days=5)
    clinic.label()
    found = check(clinic.shop.repo, "ills", span=Span(since="2026-01-06T00:00:00Z"))
    assert (found.predictions, found.verdict) == (1000, "ok")
    assert check(clinic.shop.repo, "ills", span=Span(last=1000)).predictions == 1000
    assert check(clinic.shop.repo, "ills", span=Span(last=2000)).windows[0].dropped


def test_one_label_that_is_huge_is_reckoned_with(agency: Clinic) -> None:
    agency.evaluate(houses(500, 1), columns=["ward"])
    agency.answer(houses(400, 2), days=5)
    agency.truths[7], agency.truths[8] = 1e300, -1.7e308
    agency.label()
    found = check(agency.shop.repo, "prices", segment="ward", sensitive=["ward"])
    assert found.whole is not None
    rmse = next(one for one in found.whole.realized if one.metric == "rmse")
    assert rmse.value is not None
    assert rmse.low is not None
    assert rmse.value == pytest.approx(1.7e308 / 20)
    assert 0 < rmse.low < rmse.value


def test_groups_with_too_few_labels_are_told(clinic: Clinic) -> None:
    rows = patients(200, 2)
    rows.inputs["ward"] = [f"ward {place % 40}" for place in range(200)]
    clinic.evaluate(patients(500, 1))
    clinic.answer(rows)
    clinic.label()
    found = check(clinic.shop.repo, "ills", sensitive=["ward"])
    assert any("ward: " in one and "have fewer than 30 labels" in one for one in found.notes)
