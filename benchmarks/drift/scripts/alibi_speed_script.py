"""Look for drift with alibi-detect's test of tables. Runs with its own Python; two tables.

It takes numbers only: texts go in as codes, and gaps as the median.
"""

import sys
import warnings

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from alibi_detect.cd import TabularDrift  # noqa: E402

READ = {"parquet": pd.read_parquet, "csv": pd.read_csv}
reference, current = (READ[path.rpartition(".")[2]](path) for path in sys.argv[1:3])
kinds: dict[int, list[int]] = {}
sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
for place, name in enumerate(reference.columns):
    pair = reference[name], current[name]
    if not pd.api.types.is_numeric_dtype(pair[0]) or pd.api.types.is_bool_dtype(pair[0]):
        names = sorted({*pair[0].dropna().unique(), *pair[1].dropna().unique()})
        kinds[place] = list(range(len(names)))
        pair = tuple(pd.Categorical(one, categories=names).codes.astype(float) for one in pair)
    else:
        pair = tuple(one.fillna(one.median()).to_numpy(float) for one in pair)
    for side, values in zip(sides, pair, strict=True):
        side.append(values)
first, second = (np.stack(side, axis=1) for side in sides)
detector = TabularDrift(first, categories_per_feature=kinds)
print(detector.predict(second, drift_type="feature")["data"]["p_val"].shape)
