"""Print alibi-detect's statistics of the pairs of samples. Runs with its own Python."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.simplefilter("ignore")

import cases  # noqa: E402
from alibi_detect.cd import ChiSquareDrift, KSDrift  # noqa: E402


def found(detector: Any, second: Any) -> dict[str, float]:
    """Return distance and p of one column."""
    data = detector.predict(second.reshape(-1, 1), drift_type="feature")["data"]
    return {"distance": float(data["distance"][0]), "p": float(data["p_val"][0])}


told = {name: found(KSDrift(first.reshape(-1, 1)), second) for name, first, second in cases.pairs()}
for name, first, second in cases.counts():
    kinds = {0: sorted({*first.tolist(), *second.tolist()})}
    detector = ChiSquareDrift(first.reshape(-1, 1), categories_per_feature=kinds)
    told[name] = found(detector, second)
print(json.dumps(told))
