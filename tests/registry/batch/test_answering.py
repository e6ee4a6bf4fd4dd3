"""A batch is answered as single requests are, by the compiled form or the original."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_cli.errors import RequestError
from mlops_cli.registry.batch.answering import _numbers, answering
from mlops_cli.registry.compiled.layout import Place, numbers
from mlops_cli.registry.register import register
from tests.registry.conftest import Workshop


@pytest.mark.parametrize(
    ("known", "values"),
    [
        (("a", "b"), ["b", "a", None, "b"]),
        ((False, True), [True, False, True, None]),
        ((1, 2, 5), [5, 1, None, 2]),
        (("1", "x"), ["1", "new", "x", None]),
    ],
)
def test_values_become_the_numbers_that_the_server_gives_them(known, values) -> None:
    place = Place(0, known)
    number = numbers(place)
    expected = [number(value) for value in values]
    assert _numbers(place, pd.Series(values, dtype=object)).tolist() == expected
    if all(isinstance(value, str | None) for value in values):
        assert _numbers(place, pd.Series(values, dtype="str")).tolist() == expected


def test_gaps_among_numbers_are_not_numbers() -> None:
    found = _numbers(Place(0), pd.Series([1.5, np.nan, 3.0]))
    assert np.isnan(found).tolist() == [False, True, False]


def test_both_ways_answer_alike(workshop: Workshop, tmp_path: Path) -> None:
    version = register(workshop.repo, "churn", run=workshop.run({"auc": 0.9})).version
    rows = pd.DataFrame({"age": range(20, 60), "income": np.linspace(0, 3, 40)})
    quick, native = (answering(workshop.repo, version, way) for way in ("auto", "native"))
    (labels, shares), (same, about) = quick.ask(rows), native.ask(rows)
    assert labels.tolist() == same.tolist()
    assert shares is not None
    np.testing.assert_allclose(shares, about, atol=1e-6)
    assert quick.classes == native.classes
    for way in (quick, native):
        with pytest.raises(RequestError, match="no column 'income'"):
            way.ask(rows[["age"]])
    with pytest.raises(RequestError, match="no runtime 'warp'"):
        answering(workshop.repo, version, "warp")
