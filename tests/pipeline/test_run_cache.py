"""Promises of the run cache that colleagues share through a remote."""

import os
import subprocess
from pathlib import Path

import pytest

from mlops_cli.core import git
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import ExternalError
from mlops_cli.pipeline import run as pipeline
from mlops_cli.pipeline.run_cache import from_remote
from mlops_cli.pipeline.watcher import Silent
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import connect
from tests.pipeline.conftest import SETTINGS, Run, states


@pytest.fixture
def clone(repo: Repository, run: Run, tmp_path: Path) -> Repository:
    """Return a clone of a project whose pipeline ran and was pushed, without its `mlo.lock`."""
    remote = f"remotes: {{origin: {tmp_path / 'store'}}}\n"
    (repo.root / ".mlops.yaml").write_text(SETTINGS + remote)
    git.add(repo.root, [".mlops.yaml", "raw.csv"])
    git.commit(repo.root, "A pipeline")
    run()
    ours = open_repository(repo.root)
    push(ours, connect(ours, None))
    other = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repo.root), str(other)], check=True)
    return open_repository(other)


def test_what_a_colleague_computed_is_not_computed_again(clone: Repository) -> None:
    bring = from_remote(clone, None)
    outcome = pipeline.run(clone, (), watcher=Silent(), environ=os.environ, bring=bring)
    assert set(states(outcome).values()) == {"restored"}
    assert (clone.root / "data/train.csv").read_text() == "a\nb\n"


def test_only_what_is_asked_for_comes_from_a_remote(clone: Repository) -> None:
    outcome = pipeline.run(clone, (), watcher=Silent(), environ=os.environ)
    assert set(states(outcome).values()) == {"ran"}


def test_what_nobody_computed_yet_is_computed_here(clone: Repository) -> None:
    bring = from_remote(clone, None)
    (clone.root / "raw.csv").write_text("other\n")
    outcome = pipeline.run(clone, (), watcher=Silent(), environ=os.environ, bring=bring)
    assert states(outcome)["prepare"] == "ran"


def test_a_remote_that_is_gone_is_said_at_once(clone: Repository, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(ExternalError):
        from_remote(clone, None)
