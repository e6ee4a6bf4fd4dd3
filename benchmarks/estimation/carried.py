"""The tables that NannyML carries, by name; its own Python reads this file too."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

CHUNK = 10_000
METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc")
CARDS = ("prepaid_card", "highstreet_card", "upmarket_card")
CLASSIFIERS = {
    "synthetic_car_loan": ("y_pred_proba", "y_pred", "repaid"),
    "mc": ({one: f"y_pred_proba_{one}" for one in CARDS}, "y_pred", "y_true"),
}
"""By the table's name: the columns of probabilities, of answers and of the truth."""
CARS = "regression_synthetic"
CAR_INPUTS = (
    *("car_age", "km_driven", "price_new", "accident_count"),
    *("door_count", "fuel", "transmission"),
)


def tables(name: str, folder: Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the reference and what came later, from an environment that has NannyML."""
    data = _data(folder)
    return pd.read_csv(data / f"{name}_reference.csv"), pd.read_csv(data / f"{name}_analysis.csv")


def truths(name: str, folder: Path | None = None) -> pd.DataFrame:
    """Return what was true of what came later, by id."""
    return pd.read_csv(_data(folder) / f"{name}_analysis_target.csv")


def jobs(folder: Path | None = None) -> pd.DataFrame:
    """Return who was thought to be employed, and was, in Massachusetts: 50,000 rows."""
    return pd.read_parquet(_data(folder) / "employment_MA_reference.pq").head(50_000)


def _data(folder: Path | None) -> Path:
    if folder is not None:
        return next(folder.glob("lib/python*/site-packages/nannyml/datasets/data"))
    found = find_spec("nannyml")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("nannyml")
    return Path(found.origin).parent / "datasets" / "data"
