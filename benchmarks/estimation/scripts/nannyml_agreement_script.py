"""Print what NannyML estimates on the data that it carries, by what, chunk and metric.

Runs with NannyML's own Python.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.simplefilter("ignore")

import carried  # noqa: E402
import pandas as pd  # noqa: E402
from nannyml import CBPE, DLE  # noqa: E402

pd.options.future.infer_string = False  # NannyML knows no other kind of words yet


def values(found: Any, metrics: tuple[str, ...]) -> list[dict[str, float]]:
    """Return the values of each chunk."""
    frame = found.filter(period="analysis").to_df()
    return [{one: float(row[(one, "value")]) for one in metrics} for _, row in frame.iterrows()]


told: dict[str, list[dict[str, float]]] = {}
for name, (shares, said, truth) in carried.CLASSIFIERS.items():
    reference, asked = carried.tables(name)
    made = CBPE(
        y_pred=said,
        y_pred_proba=shares,
        y_true=truth,
        metrics=list(carried.METRICS),
        problem_type="classification_multiclass" if isinstance(shares, dict)
        else "classification_binary",
        chunk_size=carried.CHUNK,
    )  # fmt: skip
    told[name] = values(made.fit(reference).estimate(asked), carried.METRICS)
reference, asked = carried.tables(carried.CARS)
made = DLE(
    feature_column_names=list(carried.CAR_INPUTS),
    y_pred="y_pred",
    y_true="y_true",
    metrics=["mae", "rmse"],
    chunk_size=carried.CHUNK,
)
told[carried.CARS] = values(made.fit(reference).estimate(asked), ("mae", "rmse"))
print(json.dumps(told))
