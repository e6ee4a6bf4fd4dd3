"""The service that BentoML serves."""

import os
from typing import Any

import bentoml
import joblib
import numpy
import pandas

_BATCHING = bool(os.environ.get("BENCHMARK_BATCHING"))


@bentoml.service(workers=1)
class Service:
    """Answers rows with a model of scikit-learn."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["BENCHMARK_MODEL"])
        self.by_name = hasattr(self.model, "feature_names_in_")

    @bentoml.api(batchable=_BATCHING)  # type: ignore[untyped-decorator]
    def predict(self, rows: list[dict[str, Any]]) -> list[int]:
        """Return a prediction for each row."""
        found: list[int] = self.model.predict(self._table(rows)).tolist()
        return found

    def _table(self, rows: list[dict[str, Any]]) -> Any:
        if self.by_name:
            return pandas.DataFrame(rows)
        return numpy.array([list(row.values()) for row in rows])
