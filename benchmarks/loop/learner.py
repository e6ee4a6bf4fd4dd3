"""The model that every arm fits: the pipeline of the project runs this file as it stands."""

import sys
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

TARGET = "truth"


def fit(rows: pd.DataFrame) -> HistGradientBoostingClassifier:
    """Return small boosted trees."""
    model = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=15, min_samples_leaf=10, random_state=0
    )
    return model.fit(rows.drop(columns=TARGET), rows[TARGET])


if __name__ == "__main__":
    import mlops_cli.api as mlo

    table = pd.read_csv(Path(sys.argv[1]))
    mlo.log_model(fit(table), "model", table.head(100), target=TARGET)
