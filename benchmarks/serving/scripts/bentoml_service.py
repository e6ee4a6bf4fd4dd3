"""The service that BentoML serves."""

import os

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

    @bentoml.api(batchable=_BATCHING)
    def predict(self, rows: list[dict]) -> list[int]:
        """Return a prediction for each row."""
        if self.by_name:
            return self.model.predict(pandas.DataFrame(rows)).tolist()
        return self.model.predict(numpy.array([list(row.values()) for row in rows])).tolist()
