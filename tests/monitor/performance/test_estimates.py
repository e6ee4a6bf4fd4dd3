"""Estimates as they are made of an evaluation: NannyML's values, and why there are none."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.drift import performance as tries
from mlops_cli.monitor.performance import judge
from mlops_cli.monitor.performance.check import check
from mlops_cli.registry.evaluation.answers import Labelled
from tests.monitor.estimation.test_confidence import LOANS, table
from tests.monitor.performance.conftest import Clinic, houses, patients


def loans(frame: pd.DataFrame) -> Labelled:
    """Return the answers of NannyML's model; where the truth is not known they are true."""
    share = frame["y_pred_proba"].to_numpy()
    truth = frame["repaid" if "repaid" in frame else "y_pred"].to_numpy().astype(np.intp)
    shares = np.column_stack([1 - share, share])
    return Labelled(("0", "1"), truth, frame["y_pred"].to_numpy(), shares, 1)


def test_estimates_are_nannymls_and_see_what_it_sees() -> None:
    past, now = (
        loans(table(f"synthetic_car_loan_{name}.csv"))  # type: ignore[no-untyped-call]
        for name in ("reference", "analysis")
    )
    seen = tries.seen(past, now, 5, labelled=False)
    parts = judge.parts(seen, [[cut] for cut in seen.cuts])
    for number, (accuracy, precision, recall, _, f1, area) in LOANS.items():
        found = {one.metric: one.value for one in parts[number].estimated}
        theirs = {"accuracy": accuracy, "precision": precision, "recall": recall}
        assert found == pytest.approx({**theirs, "f1": f1, "roc_auc": area}, abs=2e-9)
    assert [part.dropped for part in parts] == [False, False, True, True, True]
    assert (judge.judge(seen).verdict, judge.judge(seen).basis) == ("dropped", "estimate")


def test_too_few_rows_to_learn_from_are_said(clinic: Clinic) -> None:
    clinic.evaluate(patients(90, 1))
    clinic.answer(patients(300, 2))
    found = check(clinic.shop.repo, "ills")
    assert found.verdict == "unknown"
    assert "its evaluation has 90 rows, and takes 100" in found.reason
    assert found.hint == "mlo evaluate ills@v1 --data PATH"


def test_a_label_that_is_too_rare_to_learn_from_is_said(clinic: Clinic) -> None:
    rows = patients(300, 1)
    assert isinstance(rows.answers, Labelled)
    rows.answers.truth[:] = 0
    rows.answers.truth[:20] = 1
    clinic.evaluate(rows)
    clinic.answer(patients(300, 2))
    reason = check(clinic.shop.repo, "ills").reason
    assert "its evaluation has 20 rows of 'yes', and takes 30" in reason


def test_a_regressor_evaluated_before_inputs_were_kept_is_to_be_evaluated_again(
    agency: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("mlops_cli.registry.evaluation.inputs_kept.keep", lambda *_: None)
        agency.evaluate(houses(300, 1))
    agency.answer(houses(300, 2))
    found = check(agency.shop.repo, "prices")
    assert "does not have what the model was given" in found.reason
    assert found.hint == "mlo evaluate prices@v1 --data test.csv"


def test_gaps_of_groups_that_are_treated_alike_rarely_grow(clinic: Clinic) -> None:
    clinic.evaluate(patients(1000, 1), columns=["ward"])
    clinic.answer(patients(3000, 2), days=10)
    clinic.label()
    found = check(clinic.shop.repo, "ills", sensitive=["ward"], window="300", estimate=False)
    assert len(found.gaps) == 40
    assert not any(one.grown for one in found.gaps)
