"""Judge the model by rows it has not seen; write metrics.json."""

import json
from pathlib import Path

import mlops_cli.api as mlo
import pandas as pd
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

model = mlo.load_model("model")
frame = pd.read_csv("data/test.csv")
labels = frame.pop("malignant")

scores = model.predict_proba(frame)[:, 1]
guesses = scores >= 0.5
metrics = {
    "auc": roc_auc_score(labels, scores),
    "accuracy": accuracy_score(labels, guesses),
    "recall": recall_score(labels, guesses),
}
Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
print(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
