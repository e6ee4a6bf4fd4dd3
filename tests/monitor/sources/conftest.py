"""One table in many forms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROWS = 400


def mixed(rows: int = ROWS, seed: int = 1) -> pd.DataFrame:
    """Return a table with a column of each kind, and gaps in most."""
    rng = np.random.default_rng(seed)
    gap = rng.random(rows) < 0.1
    frame = pd.DataFrame(
        {
            "normal": np.where(gap, np.nan, rng.normal(size=rows)),
            "whole": rng.integers(-5, 300, rows),
            "truth": rng.random(rows) < 0.3,
            "colour": np.where(gap, None, rng.choice(["red", "blue", "grün"], rows)),
            "key": [f"key {number}" for number in range(rows)],
            "day": pd.date_range("2026-01-01", periods=rows).astype("datetime64[us]"),
            "nothing": np.full(rows, np.nan),
        }
    )
    frame.loc[3, "normal"] = np.inf
    return frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the table as `t.csv`, `t.parquet`, ..."""
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    frame = mixed()
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=150)
    frame.drop(columns="nothing").to_json(
        tmp_path / "t.jsonl", orient="records", lines=True, date_format="iso"
    )
    return tmp_path
