"""Look for drift with NannyML: KS and chi-square. Runs with its own Python; two tables."""

import sys
import warnings

warnings.simplefilter("ignore")

import nannyml  # noqa: E402
import pandas as pd  # noqa: E402

READ = {"parquet": pd.read_parquet, "csv": pd.read_csv}
reference, current = (READ[path.rpartition(".")[2]](path) for path in sys.argv[1:3])
calculator = nannyml.UnivariateDriftCalculator(
    column_names=list(reference.columns),
    continuous_methods=["kolmogorov_smirnov"],
    categorical_methods=["chi2"],
    chunk_number=1,
)
calculator.fit(reference)
print(len(calculator.calculate(current).to_df()))
