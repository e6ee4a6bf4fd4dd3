"""Print NannyML's and statsmodels' statistics of the pairs of samples, and of a table.

Runs with NannyML's own Python.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.simplefilter("ignore")

import cases  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from nannyml.chunk import SizeBasedChunker  # noqa: E402
from nannyml.drift.multivariate.data_reconstruction import (  # noqa: E402
    DataReconstructionDriftCalculator,
)
from nannyml.drift.univariate.methods import FeatureType, MethodFactory  # noqa: E402
from nannyml.thresholds import ConstantThreshold  # noqa: E402
from statsmodels.stats.proportion import proportions_ztest  # noqa: E402
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW  # noqa: E402


def value(method: str, first: Any, second: Any, kind: Any) -> float:
    """Return what a method gives."""
    made = MethodFactory.create(
        key=method,
        feature_type=kind,
        chunker=SizeBasedChunker(chunk_size=len(first)),
        threshold=ConstantThreshold(),
        computation_params={
            "kolmogorov_smirnov": {"calculation_method": "exact"},
            "wasserstein": {"calculation_method": "exact"},
        },
    )
    made.fit(first)
    return float(made.calculate(second))


told: dict[str, Any] = {}
for name, first, second in cases.pairs():
    one, other = pd.Series(first, name="x"), pd.Series(second, name="x")
    told[name] = {
        method: value(method, one, other, FeatureType.CONTINUOUS)
        for method in ("kolmogorov_smirnov", "wasserstein", "jensen_shannon", "hellinger")
    }
    told[name]["edges"] = np.histogram_bin_edges(first, bins="doane").tolist()
    means = CompareMeans(DescrStatsW(second), DescrStatsW(first))
    told[name]["z of means"] = list(map(float, means.ztest_ind(usevar="unequal")))
for name, first, second in cases.counts():
    one = pd.Series(first, name="x").astype(str)
    other = pd.Series(second, name="x").astype(str)
    told[name] = {
        method: value(method, one, other, FeatureType.CATEGORICAL)
        for method in ("chi2", "jensen_shannon", "hellinger", "l_infinity")
    }
    if len(set(first)) == 2:
        hits = [int((second == 1).sum()), int((first == 1).sum())]
        found = proportions_ztest(hits, [len(second), len(first)])
        told[name]["z of proportions"] = list(map(float, found))
rng = np.random.default_rng(7)
table = cases.numbers(rng, 1000)
calculator = DataReconstructionDriftCalculator(column_names=list(table.columns), chunk_size=1000)
calculator.fit(table)
found = calculator.calculate(cases.numbers(rng, 1000)).filter(period="analysis").to_df()
told["reconstruction"] = float(found[("reconstruction_error", "value")].iloc[0])
print(json.dumps(told))
