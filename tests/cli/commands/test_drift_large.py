"""`mlo drift` of tables that are estimated, here or on a cluster."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def tables(project, mlo_here):
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    for seed, name in enumerate(("before", "now")):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame({"width": rng.normal(seed, 1, 30_000), "key": range(30_000)})
        frame.to_parquet(f"{name}.parquet")
        frame.head(2_000).to_csv(f"{name}.csv", index=False)
    return project


def test_estimates_give_the_same_verdict_and_tell_how_exact_they_are(tables, mlo_here):
    exact = mlo_here("drift", "before.parquet", "now.parquet", "--json", code=1).json
    found = mlo_here("drift", "before.parquet", "now.parquet", "--approx", "--json", code=1).json
    assert found["verdict"] == exact["verdict"] == "drift"
    (width,) = [one for one in found["columns"] if one["name"] == "width"]
    (same,) = [one for one in exact["columns"] if one["name"] == "width"]
    assert width["effect"] == pytest.approx(same["effect"], abs=0.002)
    assert "exact to 0.00" in width["reason"]
    assert "estimated: shares of the rows are off by 0.0" in found["notes"][0]
    few = mlo_here("drift", "before.csv", "now.csv", "--approx", code=1)
    assert "estimated" not in few.stderr


def test_what_a_cluster_needs_is_told(tables, mlo_here):
    line = ("drift", "before.parquet", "now.parquet", "--engine")
    assert "not versioned" in mlo_here(*line, "dask://127.0.0.1:1", code=2).stderr
    mlo_here("add", "before.parquet", "now.parquet")
    assert "mlo remote add" in mlo_here(*line, "dask://127.0.0.1:1", code=2).stderr
    assert mlo_here(*line, "local", code=1).stdout
