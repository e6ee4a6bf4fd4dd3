"""Workers that share nothing with the project but a remote sum the parts of a table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.monitor import live
from mlops_cli.monitor.sources import opened, spread
from mlops_cli.pipeline.engines.local import LocalEngine
from tests.servers.dask_cluster import TOP, dask_cluster

ROWS = 6_000


def table(seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"width": rng.normal(shift, 1, ROWS), "colour": rng.choice(["red", "blue"], ROWS)}
    )


@pytest.fixture
def shared(project: Path, mlo_here, tmp_path: Path) -> Path:
    """Return a project with two tables and a remote."""
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    table(1).to_parquet("before.parquet", row_group_size=1000)
    table(2, shift=1.0).to_csv("now.csv", index=False)
    mlo_here("add", "before.parquet", "now.csv")
    settings = project / ".mlops.yaml"
    written = settings.read_text() if settings.exists() else ""
    settings.write_text(f"{written}\nremotes: {{origin: {tmp_path / 'shared'}}}\n")
    return project


def test_a_cluster_sums_what_the_project_has_also_when_a_worker_dies(
    shared: Path, tmp_path: Path
) -> None:
    repo = open_repository(shared)
    (tmp_path / "elsewhere").mkdir()
    with dask_cluster(tmp_path / "elsewhere", workers=2, allowed_failures=3) as cluster:
        found = live.check(
            repo, reference="before.parquet", current="now.csv", engine=cluster.url, start=shared
        )
        cluster.kill_worker(0)
        again = live.check(
            repo, reference="before.parquet", current="before.parquet", engine=cluster.url
        )
    assert (found.report.reference_rows, found.report.current_rows) == (ROWS, ROWS)
    assert {one.name: one.verdict for one in found.report.columns} == {
        "width": "drift",
        "colour": "ok",
    }
    assert again.verdict == "ok"


def test_parts_add_up_to_the_whole(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On this machine's engine, whose tasks are done in processes too."""
    monkeypatch.syspath_prepend(str(TOP))
    repo = open_repository(shared)
    monkeypatch.setattr(
        "mlops_cli.pipeline.engines.kinds.open_engine",
        lambda _, work, *, jobs: LocalEngine(work, jobs=1),
    )
    oid = repo.objects.put((shared / "before.parquet").read_bytes())
    files = [("before.parquet", oid)]
    found = spread.of_version(repo, files, engine="here")
    exact = opened.of_version(repo, files)
    assert (found.names, found.rows) == (exact.names, exact.rows)
    assert found.column("colour").categories == exact.column("colour").categories
    assert found.column("width").present == ROWS
    twice = spread.of_version(repo, files * 2, engine="here")
    assert (twice.rows, twice.column("width").present) == (2 * ROWS, 2 * ROWS)
    with pytest.raises(ExternalError, match=r"'odd.jsonl' was not summed"):
        spread.of_version(repo, [("odd.jsonl", repo.objects.put(b'{"a'))], engine="here")


def test_what_a_cluster_needs_is_told(project: Path, mlo_here) -> None:
    repo = open_repository(project)
    table(1).to_csv("loose.csv", index=False)
    with pytest.raises(RequestError):
        live.check(repo, reference="loose.csv", current="loose.csv", engine="dask://127.0.0.1:1")
    mlo_here("add", "loose.csv")
    with pytest.raises(RequestError, match="there is none"):
        live.check(repo, reference="loose.csv", current="loose.csv", engine="dask://127.0.0.1:1")
