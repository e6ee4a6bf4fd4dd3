"""Which evaluation answers and performance are held against."""

from mlops_cli.monitor import live
from mlops_cli.monitor.performance.check import check
from tests.monitor.performance.conftest import Clinic, patients


def test_answers_on_the_newest_rows_of_a_retraining_are_the_last_resort(clinic: Clinic) -> None:
    clinic.evaluate(patients(60, 5), path="data/train.recent.csv")
    clinic.answer(patients(300, 2))
    found = live.check(clinic.shop.repo, "ills")
    assert found.answered is None
    assert "of the newest rows of a retraining alone" in found.notes[0]
    clinic.evaluate(patients(500, 1))
    clinic.label()
    found = live.check(clinic.shop.repo, "ills")
    assert found.answered is not None
    assert "answers for test.csv" in found.answered.against
    reference = check(clinic.shop.repo, "ills").reference
    assert reference is not None
    assert reference.path == "test.csv"
