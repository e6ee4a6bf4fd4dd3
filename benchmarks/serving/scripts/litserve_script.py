"""A LitServe server of a model."""

import sys
from typing import Any

import joblib
import litserve
import numpy
import pandas
from starlette.requests import Request


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Answers rows with a model of scikit-learn."""

    def setup(self, device: Any) -> None:
        """Load the model."""
        self.model = joblib.load(f"{folder}/{name}.joblib")
        self.by_name = hasattr(self.model, "feature_names_in_")

    def decode_request(self, request: Request) -> Any:
        """Return the rows of a request."""
        return request["rows"]

    def predict(self, rows: Any) -> Any:
        """Return a prediction for each row."""
        if self.by_name:
            return self.model.predict(pandas.DataFrame(rows)).tolist()
        return self.model.predict(numpy.array([list(row.values()) for row in rows])).tolist()

    def encode_response(self, output: Any) -> Any:
        """Return an answer."""
        return {"predictions": output}


folder, name, port = sys.argv[1:]
if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(port), host="127.0.0.1", generate_client_file=False, log_level="error")
