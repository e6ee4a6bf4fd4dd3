"""The blocks of `docs/canary.md` run as they stand, and give what the page says."""

from pathlib import Path

from mlops_cli.core.repository import open_repository
from mlops_cli.data import prediction_log
from mlops_cli.registry import models, routes
from tests.servers.programs import free_port
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_try_a_version_in_every_way(tmp_path: Path) -> None:
    told = type_blocks("canary.md", tmp_path, _8124=str(free_port()))
    assert "v2 answers 50%, canary" in told
    assert "canary 10% in production" in told
    assert "no difference from v1 is shown so far" in told
    shadowed = [line for line in told.splitlines() if line.startswith("mlo_shadow_")]
    assert sum(int(line.rpartition(" ")[2]) for line in shadowed) == 20
    repo = open_repository(tmp_path / "shop")
    model = models.model(repo, "churn")
    assert (model.stages["production"], routes.arms(model)) == (1, ())
    logged = list(prediction_log.each(repo, "churn"))
    users = {one.key: one.version for one in logged if one.role == "ab"}
    assert len(users) == 60
    assert set(users.values()) == {1, 2}
