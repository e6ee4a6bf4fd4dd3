"""Fit a forest and log it as a model."""

import mlops_cli.api as mlo
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

params = mlo.params()
frame = pd.read_csv("data/train.csv")
labels = frame.pop("malignant")

model = RandomForestClassifier(
    n_estimators=params["train"]["trees"],
    max_depth=params["train"]["depth"],
    random_state=params["seed"],
)
model.fit(frame, labels)

mlo.log_metric("train_accuracy", model.score(frame, labels))
mlo.log_model(model, "model", data=frame)
print(f"a forest of {len(model.estimators_)} trees")
