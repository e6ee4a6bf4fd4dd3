"""Look for drift with Evidently's preset. Runs with its own Python; arguments: two tables."""

import sys
import warnings

warnings.simplefilter("ignore")

import pandas as pd  # noqa: E402
from evidently import Report  # noqa: E402
from evidently.presets import DataDriftPreset  # noqa: E402

READ = {"parquet": pd.read_parquet, "csv": pd.read_csv}
reference, current = (READ[path.rpartition(".")[2]](path) for path in sys.argv[1:3])
found = Report([DataDriftPreset()]).run(current, reference)
print(len(found.json()))
