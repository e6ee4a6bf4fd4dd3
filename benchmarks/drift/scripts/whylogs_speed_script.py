"""Profile both tables with whylogs and score their drift. Runs with its own Python; two tables."""

import sys
import warnings

warnings.simplefilter("ignore")

import pandas as pd  # noqa: E402
import whylogs  # noqa: E402
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores  # noqa: E402

READ = {"parquet": pd.read_parquet, "csv": pd.read_csv}
reference, current = (READ[path.rpartition(".")[2]](path) for path in sys.argv[1:3])
views = [whylogs.log(table).view() for table in (reference, current)]
scores = calculate_drift_scores(target_view=views[1], reference_view=views[0], with_thresholds=True)
print(len(scores))
