"""What is gathered of a prediction log: labels of any kind, and of many rows some."""

from pathlib import Path

import numpy as np
import pytest

from mlops_cli.data.feedback import Feedback, Label
from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.labels import Labels
from mlops_cli.monitor.performance import gather
from mlops_cli.monitor.performance.check import check
from mlops_cli.monitor.performance.codes import Codes, numbers
from tests.monitor.performance.conftest import Clinic, houses, patients


def test_labels_are_known_however_they_are_written() -> None:
    codes = Codes([0, 1])
    values = np.array([0, "1", True, 1.0, "later", None], dtype=object)
    assert codes.of(Cells(values[:5])).tolist() == [0, 1, 1, 1, 2]
    assert codes.labels == (0, 1, "later")
    assert Codes([]).of(Cells(np.array([["a"], ["a"]], dtype=object)[:, :0])).tolist() == [0, 0]


def test_numbers_of_any_cells() -> None:
    found = numbers(Cells(np.array([1, "2.5", None, "x"], dtype=object)))
    assert found[:2].tolist() == [1.0, 2.5]
    assert np.isnan(found[2:]).all()


def test_of_many_rows_some_stand_for_all(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MOST_ROWS", 1000)
    clinic.evaluate(patients(1000, 1))
    clinic.answer(patients(4000, 2), days=4)
    clinic.label()
    found = check(clinic.shop.repo, "ills", window="1d")
    assert (found.predictions, found.labelled) == (4000, 4000)
    assert sum(part.rows for part in found.windows) == pytest.approx(4000, abs=5)
    assert "evenly chosen, stand for all" in found.notes[0]
    assert found.verdict == "ok"


_ODD = ("cheap", [1], {"a": 1})
"""Labels that were kept before nothing but numbers was."""


def test_labels_that_cannot_be_used_are_counted(agency: Clinic) -> None:
    agency.evaluate(houses(500, 1))
    agency.answer(houses(300, 2))
    agency.label(3)
    odd = {int(one.partition("-")[2]): said for one, said in zip(agency.ids, _ODD, strict=False)}
    (segment,) = agency.shop.repo.layout.predictions.rglob("*.seg")
    Labels(segment).add({number: (one, 5) for number, one in odd.items()}, durable=False)
    found = check(agency.shop.repo, "prices", estimate=False)
    assert found.labelled == 297
    assert "labels that are no numbers: 3, left out" in found.notes


def test_labels_that_a_model_of_two_does_not_have_are_left_out(clinic: Clinic) -> None:
    clinic.evaluate(patients(500, 1))
    clinic.answer(patients(300, 2))
    clinic.truths[:2] = ["maybe", "maybe"]
    clinic.label()
    found = check(clinic.shop.repo, "ills")
    assert "labels that the model does not have: 2, left out" in found.notes
    assert {one.metric for one in found.windows[0].realized} >= {"accuracy", "roc_auc"}


def test_windows_have_the_labels_of_their_own_predictions(clinic: Clinic) -> None:
    """Also where many predictions are of one moment."""
    clinic.evaluate(patients(500, 1))
    clinic.answer(patients(900, 2), parts=2)
    clinic.label(0, 450)
    found = check(clinic.shop.repo, "ills", window="300")
    assert [part.labelled for part in found.windows] == [300, 150, 0]


def test_damaged_places_are_told(clinic: Clinic) -> None:
    clinic.evaluate(patients(500, 1))
    clinic.answer(patients(400, 2))
    clinic.label()
    path = next(Path(clinic.shop.repo.layout.predictions).rglob("*.labels"))
    path.write_bytes(path.read_bytes() + b"no label\n")
    found = check(clinic.shop.repo, "ills")
    assert any("could not be read" in one or "damaged" in one for one in found.notes)


def test_a_label_that_replaces_another_counts(clinic: Clinic) -> None:
    clinic.evaluate(patients(500, 1))
    clinic.answer(patients(200, 2))
    clinic.label()
    other = {"yes": "no", "no": "yes"}
    told = [
        Label(one, other[truth], 2 * 10**15)
        for one, truth in zip(clinic.ids, clinic.truths, strict=True)
    ]
    before = check(clinic.shop.repo, "ills", estimate=False).windows[0].realized[0].value
    Feedback(clinic.shop.repo.layout.predictions).record(told)
    after = check(clinic.shop.repo, "ills", estimate=False).windows[0].realized[0].value
    assert before is not None
    assert after == pytest.approx(1 - before)
