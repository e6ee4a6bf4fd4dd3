"""Validate a table by Great Expectations: `python great_expectations_script.py FILE`."""

import os
import sys

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

file = sys.argv[1]
table = (
    pd.read_parquet(file)
    if file.endswith(".parquet")
    else pd.read_csv(file, parse_dates=["start", "end"])
)
asked = []
for at in range(8):
    asked.append(gxe.ExpectColumnValuesToBeBetween(column=f"n{at}", min_value=-10, max_value=10))
    asked.append(gxe.ExpectColumnValuesToNotBeNull(column=f"n{at}"))
    asked.append(gxe.ExpectColumnValuesToBeOfType(column=f"n{at}", type_="float64"))
for at in range(4):
    asked.append(gxe.ExpectColumnValuesToBeBetween(column=f"i{at}", min_value=0, max_value=999))
    asked.append(gxe.ExpectColumnValuesToBeOfType(column=f"i{at}", type_="int64"))
    words = ["free", "basic", "pro", "team"]
    asked.append(gxe.ExpectColumnValuesToBeInSet(column=f"c{at}", value_set=words))
asked += [
    gxe.ExpectColumnValuesToBeUnique(column="id"),
    gxe.ExpectColumnValuesToNotBeNull(column="id"),
    gxe.ExpectColumnValuesToMatchRegex(column="mail", regex=r"^[^@]+@[^@]+\.org$"),
    gxe.ExpectColumnValueLengthsToBeBetween(column="mail", max_value=40),
    gxe.ExpectColumnValuesToBeBetween(column="start", min_value=pd.Timestamp("2025-01-01")),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="end", column_B="start", or_equal=True),
    gxe.ExpectTableColumnsToMatchSet(column_set=list(table.columns)),
]
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("table")
batch = asset.add_batch_definition_whole_dataframe("whole")
suite = gx.ExpectationSuite(name="suite", expectations=asked)
found = batch.get_batch(batch_parameters={"dataframe": table}).validate(suite)
print(sum(not one.success for one in found.results))
