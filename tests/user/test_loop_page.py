"""The blocks of `docs/loop.md` run as they stand, and close the loop."""

from pathlib import Path

from mlops_cli.core.repository import open_repository
from mlops_cli.registry import models
from tests.servers.programs import free_port
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_close_the_loop(tmp_path: Path) -> None:
    told = type_blocks("loop.md", tmp_path, _8767=str(free_port()))
    assert "not needed: errors did not rise" in told
    assert "since the errors rose" in told
    assert "retraining" in told
    model = models.model(open_repository(tmp_path / "digits"), "digits")
    assert model.stages["production"] == 2
