"""Segments of a column that comes by in blocks are those of the column as a whole."""

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor.segmenting import Segmenting
from mlops_cli.registry.evaluation import slices

COLUMNS = {
    "many numbers": np.random.default_rng(1).normal(size=500).round(2),
    "few numbers": [1.0, 2.0, 2.0, np.nan, 7.5] * 20,
    "mostly one number": [0.0] * 300 + list(range(1, 60)),
    "truth": [True, False, True] * 20,
    "words": [f"user {n % 33}" for n in range(200)],
    "words and gaps": ["red", None, "blue"] * 30,
    "numbers among words": [1, "1", 2.0, "two", None] * 30,
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("step", [7, 1000])
def test_blocks_are_cut_as_the_whole_is(name, step):
    values = pd.Series(COLUMNS[name])
    whole = slices.of_column("x", values)
    cut = Segmenting()
    blocks = [values[at : at + step] for at in range(0, len(values), step)]
    for block in blocks:
        cut.add(block)
    cut.cut()
    assert cut.names == whole.names
    assert np.concatenate([cut.places(block) for block in blocks]).tolist() == whole.codes.tolist()


def test_a_column_without_a_value_is_one_segment():
    cut = Segmenting()
    cut.add(pd.Series([None, None]))
    cut.cut()
    assert cut.names == ("(missing)",)
    assert cut.places(pd.Series([None])).tolist() == [0]


def test_text_that_never_repeats_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("mlops_cli.monitor.segmenting.MOST_TEXTS", 50)
    cut = Segmenting()
    for start in range(0, 300, 50):
        cut.add(pd.Series([f"key {n}" for n in range(start, start + 50)] + ["red"] * 5))
    cut.cut()
    assert "red" in cut.names
    assert cut.names[-1] == "(other)"
    assert cut.values <= 51
