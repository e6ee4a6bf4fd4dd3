"""Workers that share nothing with the project but a remote answer the parts of a batch."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_cli.cli.spread import doing
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import predict
from mlops_cli.registry.register import register
from tests.registry.conftest import Workshop
from tests.servers.dask_cluster import dask_cluster


def test_a_cluster_answers_in_order_and_the_rows_stay_out_of_the_remote(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(workshop.repo, "churn", run=workshop.run({"auc": 0.9})).version
    settings, shared = workshop.repo.layout.settings, tmp_path / "shared"
    written = settings.read_text() if settings.exists() else ""
    with (
        pytest.raises(RequestError, match="and there is none"),
        doing(workshop.repo, "dask://127.0.0.1:1", None),
    ):
        pass
    settings.write_text(f"{written}\nremotes: {{origin: {shared}}}\n")
    repo = open_repository(workshop.repo.root)
    monkeypatch.setattr(predict, "PART_ROWS", 100)
    rows = pd.DataFrame({"age": range(250), "income": np.linspace(0, 3, 250)})
    source, alone, target = (tmp_path / name for name in ("in.csv", "alone.csv", "out.csv"))
    rows.to_csv(source, index=False)
    predict.predict(repo, version, source, alone)
    with (
        dask_cluster(tmp_path / "elsewhere", workers=1, allowed_failures=0) as cluster,
        doing(repo, cluster.url, None) as (doer, remote),
    ):
        batch = predict.predict(repo, version, source, target, doer=doer, remote=remote)
    assert batch.rows == 250
    first, second = pd.read_csv(alone), pd.read_csv(target)
    assert second.drop(columns="batch_id").equals(first.drop(columns="batch_id"))
    assert remote is not None
    remote.catalogue.refresh(remote.transport, remote.read().state.packs)
    assert remote.catalogue.has(version.artifact)
    assert not list(tmp_path.glob(".*parts"))
