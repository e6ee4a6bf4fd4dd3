"""Print Evidently's statistics of the pairs of samples. Runs with Evidently's own Python."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.simplefilter("ignore")

import cases  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from evidently.legacy.calculations.stattests import get_stattest  # noqa: E402
from evidently.legacy.core import ColumnType  # noqa: E402


def score(test: str, first: Any, second: Any, kind: Any) -> float:
    """Return the score that a test gives."""
    found = get_stattest(first, second, kind, test)(first.copy(), second.copy(), kind, None)
    return float(found.drift_score)


told: dict[str, dict[str, Any]] = {}
for name, first, second in cases.pairs():
    one, other = pd.Series(first), pd.Series(second)
    told[name] = {
        test: score(test, one, other, ColumnType.Numerical)
        for test in ("ks", "wasserstein", "psi", "jensenshannon", "hellinger")
    }
    both = np.concatenate((first, second))
    told[name]["edges"] = np.histogram_bin_edges(both, bins="sturges").tolist()
    keys = np.unique(both)
    told[name]["edges_of_keys"] = np.histogram_bin_edges(keys, bins="sturges").tolist()
for name, first, second in cases.counts():
    one, other = pd.Series(first).astype(str), pd.Series(second).astype(str)
    tests = ["psi", "jensenshannon", "hellinger"] + (["z"] if len(set(first)) == 2 else [])
    told[name] = {test: score(test, one, other, ColumnType.Categorical) for test in tests}
print(json.dumps(told))
