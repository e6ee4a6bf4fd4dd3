"""Validate a table by pandera: `python pandera_script.py FILE`; prints how many checks failed."""

import sys

import pandas as pd
import pandera.pandas as pa

words = pa.Check.isin(["free", "basic", "pro", "team"])
within = pa.Check.in_range(-10, 10)
schema = pa.DataFrameSchema(
    {
        **{f"n{at}": pa.Column(float, within, nullable=False) for at in range(8)},
        **{f"i{at}": pa.Column(int, pa.Check.in_range(0, 999)) for at in range(4)},
        **{f"c{at}": pa.Column(str, words) for at in range(4)},
        "id": pa.Column(int, unique=True),
        "mail": pa.Column(
            str, [pa.Check.str_matches(r"^[^@]+@[^@]+\.org$"), pa.Check.str_length(max_value=40)]
        ),
        "start": pa.Column("datetime64[ns]", pa.Check.ge(pd.Timestamp("2025-01-01")), coerce=True),
        "end": pa.Column("datetime64[ns]", coerce=True),
    },
    checks=pa.Check(lambda frame: frame["start"] <= frame["end"]),
    strict=True,
)
file = sys.argv[1]
table = (
    pd.read_parquet(file)
    if file.endswith(".parquet")
    else pd.read_csv(file, parse_dates=["start", "end"])
)
try:
    schema.validate(table, lazy=True)
    print(0)
except pa.errors.SchemaErrors as errors:
    print(len(errors.failure_cases.groupby(["column", "check"], dropna=False)))
