"""Reports hold together whatever the names in the data are, and say what was found."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor import live
from mlops_cli.monitor.numeric import Asked
from mlops_cli.monitor.report import drift, drift_markdown
from tests.page.test_page import Checked

WHEN = datetime(2026, 1, 31, tzinfo=UTC)
EVIL = "<img src=x onerror=alert(1)>\"'&`|*_[a](b)"


@pytest.fixture
def pair(shop):
    """Write two tables whose columns, values and segments have hostile names."""
    rng = np.random.default_rng(1)
    for name, shift in (("before.csv", 0), ("now.csv", 2)):
        frame = pd.DataFrame(
            {
                EVIL: rng.normal(shift, size=400),
                f"{EVIL} 2": rng.choice([EVIL, "plain"], 400),
                "gone" if shift == 0 else "new": 1.0,
                "when": pd.date_range("2026-01-01", periods=400, freq="h"),
            }
        )
        frame.to_csv(name, index=False)
    return {"reference": "before.csv", "current": "now.csv", "asked": Asked(bins=24, every=True)}


@pytest.mark.parametrize(
    "more",
    [{}, {"window": "4d", "time": "when"}, {"window": "100"}, {"segment": f"{EVIL} 2"}],
    ids=["plain", "days", "rows", "segments"],
)
def test_nothing_in_a_report_is_markup_that_was_no_markup(shop, pair, more):
    found = live.check(shop.repo, **pair, **more)
    page = drift.page(found, when=WHEN)
    checked = Checked(page)
    assert "img" not in checked.seen
    assert page.count("http") == page.count("http-equiv")
    assert "not comparable" in page
    told = "\n".join(drift_markdown.lines(found))
    outside = "".join(told.split("`` ")[::2])
    assert "<img" not in outside
    assert len(page.encode()) < 200_000


def test_a_report_says_what_was_found_in_the_same_words_everywhere(shop, pair):
    found = live.check(shop.repo, **pair)
    page = Checked(drift.page(found, when=WHEN))
    words = " ".join(page.words)
    assert found.verdict == "drift"
    for one in ("now.csv, 400 rows, against before.csv, 400 rows", "2026-01-31 00:00 UTC"):
        assert one in words
    told = "\n".join(drift_markdown.lines(found))
    assert "**drift**: 1 of 4 columns" in told
    assert "not in the current data" in told


def test_tables_without_a_row_make_a_report_too(shop):
    for name in ("before.csv", "now.csv"):
        pd.DataFrame({"x": []}).to_csv(name, index=False)
    for more in ({}, {"window": "10"}):
        found = live.check(shop.repo, reference="before.csv", current="now.csv", **more)
        Checked(drift.page(found, when=WHEN))
        assert list(drift_markdown.lines(found))
        assert found.verdict == "too few rows"


def test_a_page_stays_below_a_megabyte_however_long_names_are(shop):
    rng = np.random.default_rng(1)
    names = [f"{EVIL * 9} {number}" for number in range(120)]
    for name, shift in (("before.csv", 0), ("now.csv", 2)):
        frame = pd.DataFrame(rng.normal(shift, size=(250, 120)), columns=names)
        frame.to_csv(name, index=False)
    found = live.check(
        shop.repo, reference="before.csv", current="now.csv", window="50", asked=Asked(bins=24)
    )
    page = drift.page(found, when=WHEN)
    assert 100_000 < len(page.encode()) < 1_000_000
    assert "of 120" in page
