"""The page and the Markdown of a report: whatever names data have, and however little is known."""

from datetime import UTC, datetime

import numpy as np

from mlops_cli.monitor.performance.check import check
from mlops_cli.monitor.report import performance
from tests.monitor.performance.conftest import Clinic, houses, patients

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def test_names_in_data_are_no_markup(clinic: Clinic) -> None:
    clinic.evaluate(patients(300, 1))
    rows = patients(300, 2)
    rows.inputs["ward"] = np.where(np.arange(300) % 2, "<script>x</script>", "a|b `c`")
    clinic.answer(rows)
    clinic.label()
    found = check(clinic.shop.repo, "ills", segment="ward", sensitive=["ward"])
    page = performance.page(found, when=NOW)
    assert "<script>" not in page
    assert "ward=&lt;script&gt;" in page
    told = performance.as_markdown(found)
    assert "<script>" not in told
    assert "ward=a\\|b" in told


def test_a_page_says_as_little_as_is_known(clinic: Clinic) -> None:
    page = performance.page(check(clinic.shop.repo, "ills"), when=NOW)
    assert "unknown" in page
    assert "answered nothing in that time" in page
    assert len(page) < 10_000


def test_many_windows_make_a_small_page(agency: Clinic) -> None:
    agency.evaluate(houses(200, 1))
    agency.answer(houses(2000, 2), days=100, parts=100)
    agency.label()
    found = check(agency.shop.repo, "prices", window="1h", estimate=False)
    assert len(found.windows) == 100
    assert len(performance.page(found, when=NOW)) < 1_000_000
