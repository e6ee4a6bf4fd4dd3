"""Write the measurements of the Wisconsin breast cancer study to data/raw.csv.

The data come with scikit-learn (569 biopsies, 30 measurements, W. N. Street, W. H. Wolberg and
O. L. Mangasarian, 1993). A clinic sees its patients one after the other, so the rows are shuffled
once and the first ROWS of them are written: what had been measured and diagnosed by then.

    python get_data.py [ROWS]
"""

import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer

rows = int(sys.argv[1]) if len(sys.argv) > 1 else 400

frame = load_breast_cancer(as_frame=True).frame
frame.columns = [name.replace(" ", "_") for name in frame.columns]
frame["malignant"] = 1 - frame.pop("target")
frame = frame.sample(frac=1, random_state=20)

Path("data").mkdir(exist_ok=True)
frame.head(rows).to_csv("data/raw.csv", index=False)
print(f"data/raw.csv: {min(rows, len(frame))} rows, {frame['malignant'].mean():.0%} malignant")
