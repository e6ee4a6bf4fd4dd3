"""Which rows are trained on, and which the versions are compared on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.config_retrain import Retrain
from mlops_cli.core.packs import Kind
from mlops_cli.core.records import replace
from mlops_cli.core.repository import open_repository
from mlops_cli.data import reference
from mlops_cli.monitor.retrain import tables
from mlops_cli.monitor.retrain.errors import Base
from mlops_cli.monitor.retrain.fresh import Fresh
from mlops_cli.monitor.retrain.window import Watched, base_of, changed, choose

SAID = Retrain("train.csv")
BASE = Watched(Base(100, 1000))


def fresh(*shares: float, rows: int = 1000, seed: int = 1) -> Fresh:
    """Return as many rows for each share of wrong answers, a microsecond apart."""
    rng = np.random.default_rng(seed)
    wrong = np.concatenate([rng.random(rows) < share for share in shares]).astype(float)
    count = len(wrong)
    frame = pd.DataFrame({"a": np.arange(count), "y": np.arange(count) % 2})
    return Fresh(frame, "y", wrong, np.arange(count, dtype=np.int64), "here")


def test_what_came_since_the_errors_rose_is_trained_on() -> None:
    chosen = choose(fresh(0.1, 0.5), BASE, SAID)
    assert (chosen.first, chosen.change, chosen.old) == (1000, 1000, 0)
    assert (chosen.trained, chosen.held_out, chosen.end) == (800, 200, 2000)
    assert chosen.rise is not None
    assert chosen.rise.now == pytest.approx(0.5, abs=0.05)


def test_without_a_rise_all_rows_count_and_those_of_before() -> None:
    chosen = choose(fresh(0.1, 0.1), BASE, SAID)
    assert (chosen.first, chosen.change, chosen.old, chosen.rise) == (0, None, None, None)


def test_rows_that_are_much_alike_take_more_of_them() -> None:
    loose = Watched(Base(100, 1000, spread=8.0))
    chosen = choose(fresh(0.1, 0.7, rows=600), loose, SAID)
    assert chosen.change == 600
    assert chosen.first < 600


@pytest.mark.parametrize(("window", "first", "old"), [(300, 1700, 0), (5000, 0, 3000)])
def test_a_number_of_rows_is_the_newest_so_many(window: int, first: int, old: int) -> None:
    chosen = choose(fresh(0.1, 0.5), BASE, replace(SAID, window=window))
    assert (chosen.first, chosen.old) == (first, old)


def test_no_more_is_held_out_than_is_said() -> None:
    assert choose(fresh(0.1, 0.1), BASE, replace(SAID, held_out_rows=60)).held_out == 60


def test_only_answers_of_the_version_and_after_its_last_trial_count() -> None:
    rows = fresh(0.5, 0.5)
    assert changed(rows, BASE, SAID) is not None
    assert changed(rows, replace(BASE, since_us=1950), SAID) is None
    others = replace(rows, wrong=np.full(2000, np.nan))
    assert changed(others, BASE, SAID) is None


def test_numbers_are_wrong_when_further_off_than_the_median_of_before() -> None:
    rng = np.random.default_rng(3)
    base, cut = base_of(np.abs(rng.normal(size=1000)), is_labels=False)
    assert (base.wrong, cut) == (500, pytest.approx(0.67, abs=0.1))
    watched = Watched(base, cut)
    steady = replace(fresh(0.0), wrong=np.abs(rng.normal(size=1000)))
    assert changed(steady, watched, SAID) is None
    worse = replace(steady, wrong=np.abs(rng.normal(size=1000)) * 2)
    assert changed(worse, watched, SAID) is not None


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.parquet", "a.csv.xz"])
def test_a_table_is_written_as_its_name_says_and_read_again(name: str) -> None:
    from mlops_cli.data import table

    if name == "a.parquet":
        pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    frame = pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "ö"], "y": [0, 1]})
    data = tables.encoded(frame, name)
    pd.testing.assert_frame_equal(table.read(data, name), frame, check_dtype=False)
    assert tables.encoded(frame, name) == data


def test_rows_that_are_stored_as_one_chunk_are_found_by_their_id(project: Path) -> None:
    """A table of some tens of KiB may be one chunk of a larger one that came before."""
    repo = open_repository(project)
    oid = repo.objects.put(b"a,y\n1,0\n", Kind.CHUNK)
    found = reference.by_id(repo, oid)
    assert found is not None
    assert (found.oid, found.kind) == (oid, "file")
    assert reference.by_id(repo, oid[:12]) is None
