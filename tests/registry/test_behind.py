"""A model is behind while its newest version is in no stage."""

from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.registry import events
from mlops_cli.registry.behind import Behind, behind


@pytest.fixture
def repo(project: Path) -> Repository:
    return open_repository(project)


def test_without_models_nothing_is_behind(repo: Repository) -> None:
    assert behind(repo) == ()


def test_the_newest_version_counts_and_where_each_stage_stands_now(repo: Repository) -> None:
    events.append(repo, "churn", "register", 1, {})
    assert behind(repo) == (Behind("churn", 1, {}),)
    events.append(repo, "churn", "promote", 1, {"stage": "staging"})
    assert behind(repo) == ()
    events.append(repo, "churn", "register", 2, {})
    events.append(repo, "churn", "alias", 2, {"alias": "champion"})
    assert behind(repo) == (Behind("churn", 2, {"staging": 1}),)
    events.append(repo, "churn", "promote", 2, {"stage": "staging"})
    assert behind(repo) == ()
    events.append(repo, "churn", "rollback", 1, {"stage": "staging"})
    assert behind(repo) == (Behind("churn", 2, {"staging": 1}),)
