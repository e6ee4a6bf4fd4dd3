"""Boosters are compiled so that they add up as their libraries do."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy
import pandas
import pytest
import xgboost
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_cli.registry import formats, signature
from mlops_cli.registry.compiled import probes, session, splits
from mlops_cli.registry.compiled.agreement import TOLERANCE
from mlops_cli.registry.compiled.boosters import SINGLE_TOLERANCE
from mlops_cli.registry.compiled.compiling import Made, compile_model
from mlops_cli.registry.compiled.graph import NotCompiledError
from mlops_cli.registry.compiled.probes import FEWEST
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.native.answering import answering
from tests.registry.compiled.conftest import Tables, columns_of, mixed_model, predictor

QUIET = {"verbose": -1, "n_jobs": 1}


def loaded(model: Any, rows: pandas.DataFrame, folder: Path) -> Predictor:
    """Return a model as whoever registers it does: from its own file."""
    formats.save(model, folder, signature.for_model(model, rows))
    return formats.load(folder, trust=False)


def gaps(tables: Tables) -> pandas.DataFrame:
    return tables.mixed[["a", "b", "c", "age"]]


def made(found: Predictor, rows: pandas.DataFrame) -> Made:
    done = compile_model(found, rows)
    assert done.rows >= FEWEST
    return done


def trees_of_xgboost(**more: Any) -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(**{"n_estimators": 12, "max_depth": 4, "n_jobs": 1, **more})


CASES: dict[str, tuple[Any, str]] = {
    "xgboost, two classes": (trees_of_xgboost(), "truth"),
    "xgboost, three classes": (trees_of_xgboost(), "three"),
    "xgboost, a forest": (xgboost.XGBRFClassifier(n_estimators=12, n_jobs=1), "truth"),
    "xgboost, dropped trees": (trees_of_xgboost(booster="dart", rate_drop=0.3), "three"),
    "xgboost, numbers": (xgboost.XGBRegressor(n_estimators=12, n_jobs=1), "amount"),
    "xgboost, counts": (
        xgboost.XGBRegressor(objective="count:poisson", n_estimators=12, n_jobs=1),
        "three",
    ),
    "lightgbm, two classes": (lightgbm.LGBMClassifier(n_estimators=12, **QUIET), "words"),
    "lightgbm, three classes": (lightgbm.LGBMClassifier(n_estimators=12, **QUIET), "three"),
    "lightgbm, each against all": (
        lightgbm.LGBMClassifier(n_estimators=12, objective="multiclassova", **QUIET),
        "three",
    ),
    "lightgbm, a forest": (
        lightgbm.LGBMClassifier(
            boosting_type="rf", bagging_freq=1, bagging_fraction=0.6, n_estimators=12, **QUIET
        ),
        "words",
    ),
    "lightgbm, numbers": (lightgbm.LGBMRegressor(n_estimators=12, **QUIET), "amount"),
    "lightgbm, counts": (
        lightgbm.LGBMRegressor(objective="poisson", n_estimators=12, **QUIET),
        "three",
    ),
    "lightgbm, gaps count as zeros": (
        lightgbm.LGBMRegressor(use_missing=False, n_estimators=12, **QUIET),
        "amount",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_booster_says_the_same_compiled(name: str, tables: Tables, tmp_path: Path) -> None:
    model, truth = CASES[name]
    found = getattr(tables, truth)
    rows = gaps(tables)
    model.fit(rows, found() if callable(found) else found)
    original = loaded(model, rows, tmp_path / "m")
    done = made(original, rows)
    single = name.startswith("xgboost")
    assert done.tolerance == (SINGLE_TOLERANCE if single else TOLERANCE)
    assert done.worst <= (1e-7 if single else 1e-15)
    said = session.load(done.data, where="the model").answer()(columns_of(rows))
    asked = answering(original)(columns_of(rows))
    assert said[0] == asked[0] or pytest.approx(said[0], rel=done.tolerance) == asked[0]


def test_sums_of_xgboost_are_the_same_to_the_last_bit(tables: Tables, tmp_path: Path) -> None:
    model = xgboost.XGBRegressor(n_estimators=200, n_jobs=1).fit(gaps(tables), tables.amount)
    assert made(loaded(model, gaps(tables), tmp_path / "m"), gaps(tables)).worst == 0


@pytest.mark.parametrize(
    "final", [trees_of_xgboost(), lightgbm.LGBMClassifier(n_estimators=12, **QUIET)]
)
def test_a_booster_behind_transformers_of_words_is_compiled(final: Any, tables: Tables) -> None:
    found = predictor(mixed_model(final, tables, tables.truth), tables.mixed)
    said = session.load(made(found, tables.mixed).data, where="the model").answer()
    assert said(columns_of(tables.mixed))[0] == found.predict(tables.mixed).tolist()


def test_a_vote_with_a_booster_in_it_is_compiled(tables: Tables) -> None:
    models = [("x", trees_of_xgboost()), ("l", LogisticRegression())]
    vote = VotingClassifier(models, voting="soft").fit(tables.numbers, tables.truth)
    assert made(predictor(vote, tables.numbers), tables.numbers).tolerance == SINGLE_TOLERANCE


def test_after_early_stopping_the_same_trees_are_compiled(tables: Tables, tmp_path: Path) -> None:
    rows = tables.numbers
    model = trees_of_xgboost(n_estimators=60, early_stopping_rounds=2, learning_rate=1.0)
    model.fit(rows[:300], tables.truth[:300], eval_set=[(rows, tables.truth)], verbose=False)
    assert model.best_iteration < 50
    made(loaded(model, rows, tmp_path / "m"), rows)


def test_a_booster_is_compared_beside_its_own_splits(tables: Tables, tmp_path: Path) -> None:
    rows = tables.numbers
    model = trees_of_xgboost().fit(rows, tables.truth)
    found = loaded(model, rows, tmp_path / "m")
    assert found.signature is not None
    known = probes.make(found.model, found.signature, rows).rows[: len(rows)]
    beside = splits.beside(found.model, found.signature, known, numpy.random.default_rng(0))
    assert len(beside) > 1_000


def with_categories(tables: Tables) -> pandas.DataFrame:
    """Return rows with categories of words and of numbers, some of them missing."""
    rows = tables.mixed[["a", "b", "city", "plan", "age"]].copy()
    rows["age"] = (rows["age"] // 20).astype("category")
    return rows.astype({"city": "category", "plan": "category"})


@pytest.mark.parametrize(
    ("model", "truth"),
    [
        (trees_of_xgboost(enable_categorical=True), "truth"),
        (trees_of_xgboost(enable_categorical=True, max_cat_to_onehot=1), "three"),
        (lightgbm.LGBMClassifier(n_estimators=12, min_data_per_group=5, **QUIET), "words"),
        (lightgbm.LGBMRegressor(n_estimators=12, max_cat_to_onehot=1, **QUIET), "amount"),
    ],
    ids=["xgboost", "xgboost, sets", "lightgbm", "lightgbm, sets"],
)
def test_splits_by_categories_are_looked_up(
    model: Any, truth: str, tables: Tables, tmp_path: Path
) -> None:
    rows, found = with_categories(tables), getattr(tables, truth)
    model.fit(rows, found() if callable(found) else found)
    original = loaded(model, rows, tmp_path / "m")
    assert original.model.categories[2] == ("Bern", "Genève", "Zürich")
    done = made(original, rows)
    assert done.worst <= (1e-7 if "xgboost" in type(model).__module__ else 1e-15)
    assert b"TreeEnsemble" in done.data
    said = session.load(done.data, where="the model").answer()(columns_of(rows))
    assert said[0] == answering(original)(columns_of(rows))[0]


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (xgboost.XGBRegressor(booster="gblinear", n_jobs=1), "boosted by gblinear"),
        (trees_of_xgboost(objective="binary:hinge"), "its objective is binary:hinge"),
        (
            lightgbm.LGBMClassifier(zero_as_missing=True, n_estimators=12, **QUIET),
            "zeros for missing values",
        ),
        (
            lightgbm.LGBMRegressor(linear_tree=True, n_estimators=3, **QUIET),
            "its leaves hold linear models",
        ),
        (
            lightgbm.LGBMRegressor(reg_sqrt=True, n_estimators=3, **QUIET),
            "its objective is regression sqrt",
        ),
    ],
)
def test_what_cannot_be_said_in_trees_of_numbers_stays_as_it_is(
    model: Any, why: str, tables: Tables, tmp_path: Path
) -> None:
    rows = gaps(tables)
    model.fit(rows.fillna(0.0), tables.truth)
    with pytest.raises(NotCompiledError, match=why):
        compile_model(loaded(model, rows, tmp_path / "m"), rows)


def test_another_sign_for_missing_values_is_not_lost(tables: Tables, tmp_path: Path) -> None:
    rows = tables.numbers
    model = trees_of_xgboost(missing=0.0).fit(rows, tables.truth)
    with pytest.raises(formats.RequestError, match="does not keep that 0"):
        formats.save(model, tmp_path / "m")
    piped = make_pipeline(StandardScaler(), model).fit(rows, tables.truth)
    with pytest.raises(NotCompiledError, match="for a missing value"):
        compile_model(predictor(piped, rows), rows)
