"""`mlo performance` as a user types it."""

import json
from pathlib import Path

import pytest

from tests.conftest import Mlo
from tests.monitor.conftest import shop
from tests.monitor.performance.conftest import Clinic, agency, clinic, patients

__all__ = ["agency", "clinic", "shop"]


@pytest.fixture
def worse(clinic: Clinic) -> Clinic:
    """Return a project whose model does worse since the sixth day."""
    clinic.evaluate(patients(1500, 1), columns=["ward"])
    clinic.answer(patients(1500, 2), days=5)
    clinic.answer(patients(900, 3, flipped=0.2), days=3)
    clinic.label()
    clinic.answer(patients(300, 4), days=1)
    return clinic


def test_a_drop_is_shown_in_80_columns_and_exits_with_1(worse: Clinic, mlo_here: Mlo) -> None:
    line = ("performance", "--window", "1d", "--segment", "ward", "--sensitive", "ward")
    shown = mlo_here(*line, code=1)
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("ills v1: 2,700 predictions, 2,400 labelled (89 %)")
    assert lines[1].startswith("dropped: accuracy is 0.")
    assert any(one.startswith("accuracy ") for one in lines)
    assert any("Page-Hinkley" in one and "rise" in one for one in lines)
    assert "~ is estimated, for want of labels" in shown.stdout
    assert any(one.startswith("ward=north") for one in lines)
    assert "equalized_odds" in shown.stdout
    tables = [one for one in lines[3:] if not one.startswith("Estimated by ")]
    assert max(len(one) for one in tables) <= 80
    assert "the newest 300 predictions have too few labels" in shown.stderr


def test_json_markdown_and_a_page(worse: Clinic, mlo_here: Mlo) -> None:
    found = json.loads(mlo_here("performance", "ills", "--json", code=1).stdout)
    assert (found["verdict"], found["basis"]) == ("dropped", "labels")
    assert found["windows"][0]["realized"][0]["metric"] == "accuracy"
    shown = mlo_here("performance", "ills", "--markdown", "--html", "page.html", code=1)
    assert shown.stdout.startswith("### Performance of ills v1\n\n**dropped**: accuracy")
    assert "wrote page.html" in shown.stderr
    page = Path("page.html").read_text()
    assert "<polygon" in page
    assert "held-out data" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_a_model_that_does_as_before_exits_with_0(clinic: Clinic, mlo_here: Mlo) -> None:
    clinic.evaluate(patients(1000, 1))
    clinic.answer(patients(600, 2))
    clinic.label()
    assert "ok: no metric is worse" in mlo_here("performance").stdout
    line = ("performance", "--since", "2025-01-01", "--until", "2026-06-01", "--last", "100")
    assert "100 predictions" in mlo_here(*line).stdout
    named = mlo_here("performance", "ills@v1", "--against", "test.csv", "--all").stdout
    assert "ok:" in named
    assert "probability" in named


def test_what_is_estimated_of_held_out_data_is_marked(clinic: Clinic, mlo_here: Mlo) -> None:
    clinic.evaluate(patients(1000, 1))
    clinic.answer(patients(600, 2))
    clinic.label(0, 40)
    shown = mlo_here("performance", "--segment", "width").stdout
    (accuracy,) = [one for one in shown.splitlines() if one.startswith("accuracy")]
    assert accuracy.split()[1].startswith("~0.")
    assert "~ is estimated, for want of labels" in shown
    assert "segments with too few labels: --all lists them" in shown
    every = mlo_here("performance", "--segment", "width", "--all").stdout
    assert " < width <= " in every


def test_it_is_said_what_to_type(clinic: Clinic, mlo_here: Mlo) -> None:
    clinic.answer(patients(200, 2))
    shown = mlo_here("performance")
    assert shown.stdout.splitlines()[1].startswith("unknown: v1 was never evaluated")
    assert "mlo evaluate ills@v1" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody"], "there is no model 'nobody'"),
        (["--window", "soon"], "is not how wide a window is"),
        (["--segment", "region"], "is not given a column 'region'"),
        (["--against", "other.csv"], "was not evaluated on 'other.csv'"),
        (["--since", "yesterday"], "is not a moment"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(
    clinic: Clinic, mlo_here: Mlo, arguments: list[str], says: str
) -> None:
    clinic.evaluate(patients(100, 1))
    clinic.answer(patients(100, 2))
    assert says in mlo_here("performance", *arguments, code=2).stderr
