"""Print the accuracy that NannyML's CBPE estimates of each table, by its name.

Runs with NannyML's own Python. Reads a JSON mapping of names to pairs of columns: of the reference
with the truth, and of what is estimated; `share` is the probability of the label 1.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import pandas as pd  # noqa: E402
from nannyml import CBPE  # noqa: E402

told: dict[str, float] = {}
for name, (reference, asked) in json.load(sys.stdin).items():
    frame = pd.DataFrame(asked)
    made = CBPE(
        y_pred="said",
        y_pred_proba="share",
        y_true="truth",
        metrics=["accuracy"],
        problem_type="classification_binary",
        chunk_size=len(frame),
    )
    found = made.fit(pd.DataFrame(reference)).estimate(frame).filter(period="analysis").to_df()
    told[name] = float(found[("accuracy", "value")].iloc[0])
print(json.dumps(told))
