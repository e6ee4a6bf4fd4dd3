import pytest

from mlops_cli.core import git
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.forecast import forecast
from mlops_cli.runs.worktree import aside
from tests.pipeline.conftest import Run


def actions(repo: Repository, **options) -> dict[str, str]:
    return {one.name: one.action for one in forecast(repo, (), **options)}


def test_what_follows_from_what_comes_back_is_foreseen_too(repo: Repository, run: Run) -> None:
    run()
    run(assignments=["train.depth=3"])
    assert actions(open_repository(repo.root)) == {
        "prepare": "nothing",
        "train": "restore",
        "evaluate": "restore",
    }


def test_a_work_tree_aside_is_looked_at_as_a_run_there_would(repo: Repository, run: Run) -> None:
    git.add(repo.root, [".mlops.yaml", "raw.csv"])
    git.commit(repo.root, "A pipeline")
    run()
    with aside(open_repository(repo.root), "HEAD") as (there, _):
        assert set(actions(there).values()) == {"restore"}


def test_what_a_run_refuses_is_refused_before_it(repo: Repository) -> None:
    (repo.root / "raw.csv").rename(repo.root / "rwa.csv")
    with pytest.raises(RequestError, match=r"needs 'raw.csv', which is not there") as caught:
        forecast(repo, ())
    assert caught.value.hint == "did you mean 'rwa.csv'?"
