"""Write a table of 20 columns as CSV and as Parquet: `python table_script.py ROWS FOLDER`."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd


def write(rows: int, folder: Path) -> None:
    """Write numbers, codes, words, an id, an address and two moments for each row."""
    random = np.random.default_rng(0)
    columns: dict[str, object] = {}
    for at in range(8):
        columns[f"n{at}"] = random.normal(size=rows).round(4)
    for at in range(4):
        columns[f"i{at}"] = random.integers(0, 1000, rows)
    for at in range(4):
        columns[f"c{at}"] = random.choice(["free", "basic", "pro", "team"], rows)
    columns["id"] = np.arange(rows)
    columns["mail"] = [f"user{at}@example.org" for at in range(rows)]
    start = pd.Timestamp("2026-01-01") + pd.to_timedelta(
        random.integers(0, 86_400 * 300, rows), unit="s"
    )
    columns["start"] = start
    columns["end"] = start + pd.to_timedelta(random.integers(0, 9999, rows), unit="s")
    frame = pd.DataFrame(columns)
    frame.to_parquet(folder / "table.parquet", index=False)
    frame.to_csv(folder / "table.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
