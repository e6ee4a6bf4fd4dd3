"""Tables and models of every kind, fitted once."""

from dataclasses import dataclass
from typing import Any

import numpy
import pandas
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlops_cli.registry.description import Description
from mlops_cli.registry.formats import Predictor, classes_of, task_of
from mlops_cli.registry.signature import Signature, from_frame

ROWS = 600
NUMBERS = ["a", "b", "c"]
WORDS = ["city", "plan"]


@dataclass(frozen=True)
class Tables:
    """The same rows as numbers alone, and with gaps, whole numbers and words."""

    numbers: pandas.DataFrame
    mixed: pandas.DataFrame
    truth: Any
    amount: Any

    def words(self) -> Any:
        return numpy.where(self.truth > 0, "yes", "no")

    def three(self) -> Any:
        return numpy.digitize(self.amount, [-0.5, 0.5])


@pytest.fixture(scope="session")
def tables() -> Tables:
    rng = numpy.random.default_rng(7)
    numbers = pandas.DataFrame({name: rng.normal(size=ROWS) for name in NUMBERS})
    mixed = numbers.assign(
        age=rng.integers(18, 90, ROWS),
        city=rng.choice(["Bern", "Genève", "Zürich"], ROWS),
        plan=rng.choice(["free", "paid"], ROWS),
    )
    mixed.loc[::7, "b"] = numpy.nan
    mixed.loc[::9, "plan"] = None
    amount = numbers["a"] + numbers["b"] * numbers["c"] + (mixed["city"] == "Bern") * 0.5
    return Tables(numbers, mixed, (amount > 0).astype(int).to_numpy(), amount.to_numpy())


def prepared() -> ColumnTransformer:
    """Return what most people put before a model of mixed columns."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    return ColumnTransformer([("n", numbers, [*NUMBERS, "age"]), ("w", words, WORDS)])


def mixed_model(final: Any, tables: Tables, truth: Any) -> Any:
    return Pipeline([("prepare", prepared()), ("model", final)]).fit(tables.mixed, truth)


def predictor(model: Any, table: pandas.DataFrame) -> Predictor:
    signature: Signature = from_frame(table)
    return Predictor(
        model, Description("skops", "model.skops"), signature, task_of(model), classes_of(model)
    )


def columns_of(table: pandas.DataFrame) -> list[list[Any]]:
    """Return a table as JSON values by column."""
    return [
        [None if pandas.isna(value) else value for value in table[name].tolist()] for name in table
    ]
