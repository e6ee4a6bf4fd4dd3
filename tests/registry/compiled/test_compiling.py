from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy
import pandas
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from mlops_cli.core.progress import SILENT
from mlops_cli.errors import RequestError
from mlops_cli.registry.compiled import agreement, probes, session, trees
from mlops_cli.registry.compiled.agreement import TOLERANCE
from mlops_cli.registry.compiled.compiling import Made, compile_model
from mlops_cli.registry.compiled.convert import convert
from mlops_cli.registry.compiled.graph import NotCompiledError
from mlops_cli.registry.compiled.probes import FEWEST
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.signature import Signature
from tests.registry.compiled.conftest import Tables, columns_of, mixed_model, predictor

Answer = Callable[[Any], tuple[list[Any], list[list[float]] | None]]


def forest(**more: Any) -> RandomForestClassifier:
    return RandomForestClassifier(12, random_state=0, **more)


def compiled(found: Predictor, table: pandas.DataFrame) -> tuple[Made, Answer]:
    made = compile_model(found, table)
    return made, session.load(made.data, where="the model").answer()


def original(found: Predictor, columns: Any) -> tuple[list[Any], Any]:
    assert found.signature is not None
    frame = compile_frame(found.signature)(columns)
    shares = found.predict_proba(frame)
    return found.predict(frame).tolist(), None if shares is None else shares.tolist()


def _signature(found: Predictor) -> Signature:
    assert found.signature is not None
    return found.signature


CLASSIFIERS = [
    LogisticRegression(),
    forest(),
    forest(max_depth=3),
    DecisionTreeClassifier(random_state=0),
    GradientBoostingClassifier(n_estimators=8, random_state=0),
    HistGradientBoostingClassifier(max_iter=8, random_state=0),
    LinearSVC(random_state=0),
    SVC(),
    MLPClassifier((4,), max_iter=5, random_state=0),
]
REGRESSIONS = [
    LinearRegression(),
    RandomForestRegressor(8, random_state=0),
    ExtraTreesRegressor(8, random_state=0),
    GradientBoostingRegressor(n_estimators=8, random_state=0),
    HistGradientBoostingRegressor(max_iter=8, random_state=0),
]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("model", [*CLASSIFIERS, *REGRESSIONS], ids=lambda one: type(one).__name__)
def test_a_compiled_model_says_what_the_original_says_of_numbers(
    model: Any, tables: Tables
) -> None:
    truth = tables.three() if model in CLASSIFIERS else tables.amount
    found = predictor(model.fit(tables.numbers.to_numpy(), truth), tables.numbers)

    made, answer = compiled(found, tables.numbers)

    assert made.rows >= FEWEST
    assert made.worst <= made.tolerance == TOLERANCE
    columns = columns_of(tables.numbers)
    labels, shares = answer(columns)
    expected, expected_shares = original(found, columns)
    assert labels == pytest.approx(expected, rel=TOLERANCE)
    assert (shares is None) == (expected_shares is None)
    if shares is not None:
        assert numpy.abs(numpy.array(shares) - expected_shares).max() <= TOLERANCE


def test_a_compiled_forest_has_the_same_bits(tables: Tables) -> None:
    model = forest(min_samples_leaf=3).fit(tables.numbers.to_numpy(), tables.three())
    found = predictor(model, tables.numbers)

    made, answer = compiled(found, tables.numbers)

    assert made.worst == 0
    assert answer(columns_of(tables.numbers)) == original(found, columns_of(tables.numbers))


@pytest.mark.parametrize(
    "final",
    [LogisticRegression(), forest()],
    ids=lambda one: type(one).__name__,
)
def test_words_gaps_and_whole_numbers_are_understood(final: Any, tables: Tables) -> None:
    found = predictor(mixed_model(final, tables, tables.words()), tables.mixed)

    _, answer = compiled(found, tables.mixed)

    columns = columns_of(tables.mixed)
    labels, shares = answer(columns)
    expected, expected_shares = original(found, columns)
    assert labels == expected
    assert numpy.abs(numpy.array(shares) - expected_shares).max() <= TOLERANCE
    for row in range(40):  # one at a time, as they are served
        single = [[values[row]] for values in columns]
        assert answer(single)[0] == expected[row : row + 1]


def test_encoders_are_asked_what_they_say_of_each_value(tables: Tables) -> None:
    prepare = ColumnTransformer(
        [
            (
                "ordinal",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                ["plan"],
            ),
            ("target", TargetEncoder(cv=3), ["city"]),
        ],
        remainder="passthrough",
    )
    model = make_pipeline(prepare, HistGradientBoostingClassifier(max_iter=5, random_state=0))
    found = predictor(model.fit(tables.mixed, tables.truth), tables.mixed)

    _, answer = compiled(found, tables.mixed)

    assert answer(columns_of(tables.mixed))[0] == original(found, columns_of(tables.mixed))[0]


@pytest.mark.parametrize("labels", [[False, True], ["no", "yes"], [3, 8]])
def test_labels_come_back_with_their_types(labels: list[Any], tables: Tables) -> None:
    truth = numpy.array(labels)[tables.truth]
    for model in (LogisticRegression(), LinearSVC(random_state=0), SVC()):
        found = predictor(model.fit(tables.numbers.to_numpy(), truth), tables.numbers)
        _, answer = compiled(found, tables.numbers)
        said = answer(columns_of(tables.numbers))[0]
        assert {type(one) for one in said} == {type(labels[0])}
        assert said == original(found, columns_of(tables.numbers))[0]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_the_same_model_gives_the_same_bytes(tables: Tables) -> None:
    for final in (forest(), MLPClassifier((4,), max_iter=5, random_state=0)):
        twice = [mixed_model(clone(final), tables, tables.words()) for _ in range(2)]
        found = [predictor(model, tables.mixed) for model in twice]
        files = {convert(one.model, _signature(one), one.classes).data for one in found}
        assert len(files) == 1


STEPS = [
    FunctionTransformer(numpy.log1p),
    PolynomialFeatures(2),
    SelectKBest(k=2),
    make_pipeline(RobustScaler(), MinMaxScaler()),
    PCA(2),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda one: type(one).__name__)
def test_numbers_are_prepared_as_the_original_does(step: Any, tables: Tables) -> None:
    table = tables.numbers.abs()
    model = make_pipeline(step, LogisticRegression()).fit(table, tables.truth)

    made, _ = compiled(predictor(model, table), table)

    assert made.worst <= TOLERANCE


def test_several_models_vote(tables: Tables) -> None:
    parts = [("line", make_pipeline(StandardScaler(), LogisticRegression())), ("trees", forest())]
    model = VotingClassifier(parts, voting="soft", weights=[1, 3])
    found = predictor(model.fit(tables.numbers, tables.words()), tables.numbers)

    _, answer = compiled(found, tables.numbers)

    assert answer(columns_of(tables.numbers))[0] == original(found, columns_of(tables.numbers))[0]


@pytest.mark.filterwarnings("ignore:invalid value encountered", "ignore:divide by zero")
def test_what_the_original_refuses_is_refused(tables: Tables) -> None:
    """Below -1 there is no logarithm, and linear models take no NaN."""
    table = tables.numbers.abs()
    model = make_pipeline(FunctionTransformer(numpy.log1p), LogisticRegression())
    _, answer = compiled(predictor(model.fit(table, tables.truth), table), table)

    for rows in ([[-3.0], [1.0], [1.0]], [[1.0, -3.0], [1.0, 1.0], [1.0, 1.0]]):
        with pytest.raises(RequestError, match="refuses the rows"):
            answer(rows)


def test_a_model_is_compiled_without_its_training_table(tables: Tables) -> None:
    found = predictor(mixed_model(forest(), tables, tables.truth), tables.mixed)

    assert compile_model(found, None).rows >= FEWEST


def test_splits_that_are_rounded_are_found_out(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_pipeline(StandardScaler(), forest()).fit(tables.numbers, tables.truth)
    found = predictor(model, tables.numbers)
    signature = _signature(found)
    honest = trees.of_sklearn

    def rounded(tree: Any) -> trees.Tree:
        held = honest(tree)
        up = numpy.nextafter(held.threshold.astype(numpy.float32), numpy.float32(numpy.inf))
        return replace(held, threshold=up.astype(float))

    with monkeypatch.context() as patched:
        patched.setattr(trees, "of_sklearn", rounded)
        wrong = convert(model, signature, found.classes)

    held = session.load(wrong.data, where="the model")
    rows = probes.make(model, signature, tables.numbers)
    message = "where the original says|differs by"
    with numpy.errstate(all="ignore"), pytest.raises(NotCompiledError, match=message):
        agreement.compare(found, held, rows, SILENT)


class Custom(ClassifierMixin, BaseEstimator):
    classes_ = numpy.array([0, 1])

    def predict(self, rows: Any) -> Any:
        return numpy.zeros(len(rows), dtype=int)


class Odd(RegressorMixin, BaseEstimator):
    def fit(self, rows: Any, truth: Any) -> "Odd":
        return self

    def predict(self, rows: Any) -> Any:
        return numpy.zeros(len(rows))


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Custom(), "Custom is no model of scikit-learn, XGBoost or LightGBM"),
        (make_pipeline(StandardScaler(), Odd()), "Odd has no compiled form"),
    ],
    ids=["custom", "in a pipeline"],
)
def test_what_cannot_be_compiled_says_why(model: Any, why: str, tables: Tables) -> None:
    if hasattr(model, "steps"):
        model.fit(tables.numbers, tables.truth)
    with pytest.raises(NotCompiledError, match=why):
        compile_model(predictor(model, tables.numbers), tables.numbers)


def test_too_large_a_forest_is_given_up_at_once(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MOST_NODES", 100)
    model = forest().fit(tables.numbers, tables.truth)
    with pytest.raises(NotCompiledError, match=r"have [\d,]+ nodes, and more than 100 are not"):
        compile_model(predictor(model, tables.numbers), tables.numbers)


def test_two_targets_are_not_compiled(tables: Tables) -> None:
    model = RandomForestRegressor(3).fit(tables.numbers, numpy.c_[tables.amount, tables.amount])
    with pytest.raises(NotCompiledError, match="more than one target"):
        compile_model(predictor(model, tables.numbers), tables.numbers)
