"""pyarrow and Dask read versions in place, and of a remote only what they need."""

from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest

from mlops_cli.remotes.folder import FolderTransport
from tests.conftest import Mlo, git
from tests.fs.conftest import keep

pytest.importorskip("pyarrow", reason="part of mlo[parquet]")

import dask.dataframe as dd
import pyarrow.dataset as ds
import pyarrow.parquet as pq

ROWS, COLUMNS = 40_000, 20


def table(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({f"c{at}": random.random(ROWS) for at in range(COLUMNS)})


@pytest.fixture
def tables(versions: Path, mlo_here: Mlo) -> Path:
    """Return the project, with `v2`: a Parquet file, and a folder of two by year."""
    for year in (2024, 2025):
        folder = versions / f"data/years/year={year}"
        folder.mkdir(parents=True)
        table(year).to_parquet(folder / "part.parquet")
    table(1).to_parquet(versions / "data/one.parquet")
    keep(versions, mlo_here, "data/years", "data/one.parquet")
    git(versions, "tag", "v2")
    mlo_here("push")
    return versions


@pytest.fixture
def far(tables: Path, clone: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Go into a clone that has only pointers; return how much each read of a remote gives."""
    sizes: list[int] = []
    plain = FolderTransport.read

    def read(self: FolderTransport, key: str, start: int = 0, length: int | None = None) -> bytes:
        data = plain(self, key, start, length)
        if key.startswith("packs/"):
            sizes.append(len(data))
        return data

    monkeypatch.setattr(FolderTransport, "read", read)
    return sizes


def test_a_column_costs_a_column(far: list[int], tables: Path) -> None:
    whole = (tables / "data/one.parquet").stat().st_size
    got = pd.read_parquet("mlo://data/one.parquet?rev=v2", columns=["c7"])
    assert got.equals(table(1)[["c7"]])
    assert whole / COLUMNS < sum(far) < 4 * whole / COLUMNS


def test_a_dataset_is_read_by_its_partitions(far: list[int], tables: Path) -> None:
    for fs, path in (
        (fsspec.filesystem("mlo", rev="v2"), "data/years"),
        (fsspec.filesystem("mlo"), "@v2/data/years"),
    ):
        dataset = ds.dataset(path, filesystem=fs, partitioning="hive")
        got = dataset.to_table(columns=["c3"], filter=ds.field("year") == 2025)
        assert got.to_pandas().equals(table(2025)[["c3"]])
    assert sum(far) < (tables / "data/one.parquet").stat().st_size


def test_pyarrow_reads_one_file(tables: Path) -> None:
    got = pq.read_table("data/one.parquet", filesystem=fsspec.filesystem("mlo"))
    assert got.to_pandas().equals(table(1))


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_dask_reads_from_as_many_workers_as_it_has(far: list[int], scheduler: str) -> None:
    options: dict[str, Any] = {"scheduler": scheduler, "num_workers": 2}
    got = dd.read_parquet("mlo://data/years?rev=v2", columns=["c1"]).compute(**options)
    assert got["c1"].tolist() == [*table(2024)["c1"], *table(2025)["c1"]]
    both = ["mlo://data/raw.csv?rev=v1", "mlo://data/raw.csv"]
    assert dd.read_csv(both).compute(**options)["a"].tolist() == [1, 1, 2]
    blocks = dd.read_csv("mlo://data/*.csv", blocksize=4, storage_options={"rev": "v2"})
    assert blocks.npartitions > 1
    assert blocks.compute(**options)["b"].tolist() == ["x", "y"]


def test_a_dask_graph_reads_what_it_was_made_for(versions: Path, mlo_here: Mlo) -> None:
    lazy = dd.read_csv("mlo://data/raw.csv")
    (versions / "data/raw.csv").write_text("a,b\n7,z\n8,z\n9,z\n")
    keep(versions, mlo_here, "data/raw.csv")
    assert lazy.compute(scheduler="sync")["a"].tolist() == [1, 2]
    assert dd.read_csv("mlo://data/raw.csv").compute(scheduler="sync")["a"].tolist() == [7, 8, 9]
