"""The blocks of `docs/governance.md` run as they stand, and give what the page says."""

import json
import os
import shutil
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.registry import models
from mlops_cli.registry.verification import verify
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_run_and_do_what_it_says(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None and "CI" not in os.environ:
        pytest.skip("there is no ssh-keygen")
    said = type_blocks("governance.md", tmp_path)
    assert "refused, exit code 1" in said
    assert "nobody approves of their own work, exit code 2" in said
    assert "v1 is approved for production, not signed" in said
    assert "v1 is approved for production, signed" in said
    repo = open_repository(tmp_path / "loans")
    model = models.model(repo, "loans")
    assert model.stages == {"staging": 2, "production": 1}
    last = [e for e in model.events if e.kind == "promote"][-1]
    gates = {one["gate"]: one for one in last.detail["gates"]}
    better = gates["accuracy on data/test.csv better than production"]
    assert better["passed"]
    assert "McNemar" in better["why"]
    found = verify(repo)
    assert found.problems == ()
    assert found.signed >= 3
    entries = json.loads((tmp_path / "loans/audit.json").read_text())
    assert {"evaluate", "approve", "promote", "rollback"} <= {one["action"] for one in entries}
    assert models.model(open_repository(tmp_path / "other"), "loans").stages == model.stages
