"""The models that all tools serve: the same files, made once."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import MLO, once

ROWS = 2000
NUMBERS = tuple(f"x{place}" for place in range(8))
CATEGORIES = ("city", "plan", "device")


@dataclass(frozen=True, slots=True)
class Model:
    """A model, and one row that it takes."""

    name: str
    told: str
    row: dict[str, Any]

    @property
    def values(self) -> list[Any]:
        """The row without its names."""
        return list(self.row.values())


def make(folder: Path) -> list[Model]:
    """Fit three models; write each as `NAME.joblib`, as a model folder `NAME`, and its table."""
    import joblib
    import numpy as np
    import pandas
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from mlops_cli.registry import formats, signature

    rng = np.random.default_rng(0)
    numbers = pandas.DataFrame({name: rng.normal(size=ROWS) for name in NUMBERS})
    truth = (numbers["x0"] + numbers["x1"] * numbers["x2"] + rng.normal(size=ROWS) > 0).astype(int)
    mixed = numbers.assign(**{name: rng.choice(list("abcde"), ROWS) for name in CATEGORIES})
    mixed.loc[::7, "x1"] = np.nan
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), list(NUMBERS)),
            ("categories", OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES)),
        ]
    )
    array = numbers.to_numpy()
    fitted = [
        ("lr", "LogisticRegression", LogisticRegression().fit(array, truth), numbers),
        ("rf", "RandomForest(100)", RandomForestClassifier(100, random_state=0), numbers),
        ("mixed", "mixed-type pipeline", make_pipeline(prepared, LogisticRegression()), mixed),
    ]
    made = []
    for name, told, model, table in fitted:
        if name != "lr":
            model.fit(array if name == "rf" else table, truth)
        joblib.dump(model, folder / f"{name}.joblib")
        table.to_csv(folder / f"{name}.csv", index=False)
        formats.save(model, folder / name, signature.for_model(model, table))
        row = json.loads(table.iloc[[3]].to_json(orient="records"))[0]
        made.append(Model(name, told, row))
    return made


def register(folder: Path, models: list[Model]) -> None:
    """Register the models of a folder that is a project of `mlo`."""
    for model in models:
        command = [
            "register",
            model.name,
            "--path",
            model.name,
            "--data",
            f"{model.name}.csv",
            "--trust",
        ]
        once([MLO, *command], cwd=folder)
