"""Split the data into a part to learn from and a part to judge by."""

import mlops_cli.api as mlo
import pandas as pd
from sklearn.model_selection import train_test_split

params = mlo.params()
frame = pd.read_csv("data/raw.csv")
train, test = train_test_split(
    frame,
    test_size=params["prepare"]["test_share"],
    random_state=params["seed"],
    stratify=frame["malignant"],
)
train.to_csv("data/train.csv", index=False)
test.to_csv("data/test.csv", index=False)
print(f"{len(train)} rows to train on, {len(test)} to test with")
