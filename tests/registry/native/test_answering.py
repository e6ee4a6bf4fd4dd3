from typing import Any

import numpy
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mlops_cli.errors import RequestError
from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.native.answering import answering
from tests.registry.compiled.conftest import Tables, columns_of, mixed_model, predictor, tables

__all__ = ["tables"]

LABELS = [
    LogisticRegression(),
    RandomForestClassifier(10, random_state=0),
    RandomForestClassifier(5, max_depth=3, random_state=0),
    DecisionTreeClassifier(random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    SVC(),
    GaussianNB(),
]
NUMBERS = [LinearRegression(), Ridge(), ExtraTreesRegressor(5, random_state=0)]


def same_bits(found: Any, columns: list[list[Any]]) -> None:
    """Compare with `predict` and `predict_proba`, for one row, few and all."""
    build = compile_frame(found.signature)
    answer = answering(found)
    for count in (1, 7, len(columns[0])):
        some = [values[:count] for values in columns]
        labels, shares = answer(some)
        expected = found.predict_proba(build(some))
        assert repr(labels) == repr(found.predict(build(some)).tolist())
        assert repr(shares) == repr(None if expected is None else expected.tolist())


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", LABELS, ids=lambda one: type(one).__name__)
def test_a_classifier_answers_with_the_same_bits(model: Any, classes: int, tables: Tables) -> None:
    truth = tables.words() if classes == 2 else tables.three()
    for rows in (tables.numbers.to_numpy(), tables.numbers):
        same_bits(predictor(model.fit(rows, truth), tables.numbers), columns_of(tables.numbers))


@pytest.mark.parametrize("model", NUMBERS, ids=lambda one: type(one).__name__)
def test_a_regression_answers_with_the_same_bits(model: Any, tables: Tables) -> None:
    for rows in (tables.numbers.to_numpy(), tables.numbers):
        found = predictor(model.fit(rows, tables.amount), tables.numbers)
        same_bits(found, columns_of(tables.numbers))


@pytest.mark.parametrize("model", [*LABELS[:3], SVC()], ids=lambda one: type(one).__name__)
def test_a_pipeline_answers_with_the_same_bits(model: Any, tables: Tables) -> None:
    found = predictor(mixed_model(model, tables, tables.words()), tables.mixed)
    same_bits(found, [values[:60] for values in columns_of(tables.mixed)])


def test_a_pipeline_on_arrays_answers_with_the_same_bits(tables: Tables) -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0))
    found = predictor(model.fit(tables.numbers.to_numpy(), tables.truth), tables.numbers)
    same_bits(found, columns_of(tables.numbers))


def test_a_gap_means_the_same_alone_and_in_company(tables: Tables) -> None:
    found = predictor(mixed_model(LogisticRegression(), tables, tables.words()), tables.mixed)
    answer = answering(found)
    columns = columns_of(tables.mixed)
    columns[tables.mixed.columns.get_loc("plan")] = [None] * len(columns[0])

    together = answer([[values[0], values[1]] for values in columns])[1]
    alone = answer([[values[0]] for values in columns])[1]

    assert together is not None
    assert alone is not None
    assert alone[0] == pytest.approx(together[0], abs=1e-15)


def test_values_that_the_model_refuses_are_the_clients_fault(tables: Tables) -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0))
    found = predictor(model.fit(tables.numbers / 1e9, tables.truth), tables.numbers)
    with numpy.errstate(over="ignore"), pytest.raises(RequestError, match="refuses the rows"):
        answering(found)([[3e38], [0.0], [0.0]])
