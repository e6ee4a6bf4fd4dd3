"""Print what fairlearn says of groups: columns of truths, answers and groups are read as JSON.

Runs with fairlearn's own Python.
"""

import json
import sys

import fairlearn.metrics as fairlearn
from sklearn.metrics import accuracy_score

told: dict[str, dict[str, float]] = {}
columns = json.load(sys.stdin)
truth, said = columns["truth"], columns["said"]
for name, groups in columns["groups"].items():
    told[name] = {
        f"{one}_{how}": float(
            getattr(fairlearn, f"{one}_{how}")(truth, said, sensitive_features=groups)
        )
        for one in ("demographic_parity", "equalized_odds", "equal_opportunity")
        for how in ("difference", "ratio")
    }
    frame = fairlearn.MetricFrame(
        metrics=accuracy_score, y_true=truth, y_pred=said, sensitive_features=groups
    )
    told[name] |= {
        "accuracy_difference": float(frame.difference()),
        "accuracy_ratio": float(frame.ratio()),
    }
print(json.dumps(told))
