"""The blocks of `docs/deploy.md` run as they stand, and give what the page says."""

import json
from pathlib import Path

from mlops_cli.core.repository import open_repository
from mlops_cli.data.predictions.segment import SUFFIX
from mlops_cli.registry import models
from tests.servers.programs import free_port
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_ship_what_was_registered(tmp_path: Path) -> None:
    told = type_blocks("deploy.md", tmp_path, _8123=str(free_port()))
    shop = tmp_path / "shop"
    version = models.resolve(open_repository(shop), "churn@v1")
    assert f"churn@v1 {version.id[:10]} is whole and answers" in told
    assert '"prediction":true' in told
    described = json.loads((shop / "churn-v1/package.json").read_bytes())
    assert (described["version_id"], described["run"]) == (version.id, version.run)
    (segment,) = (shop / "served").rglob(f"*{SUFFIX}")
    assert segment.parent.name == "churn"
    assert (shop / "churn.oci/oci-layout").is_file()
    assert {path.name for path in (shop / "deploy").iterdir()} == {
        "compose", "kserve", "kubernetes",
    }  # fmt: skip
    assert "weight: 100" in (shop / "deploy/kubernetes/route.yaml").read_text()
