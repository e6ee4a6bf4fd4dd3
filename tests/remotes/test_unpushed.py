"""What a remote lacks is told without asking it."""

from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.unpushed import Unpushed, unpushed


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path / "project")


def send(repo: Repository, folder: Path) -> None:
    push(repo, Remote("origin", FolderTransport(folder), repo.layout.remotes / "origin"))


def test_what_was_never_pushed_is_lacking_everywhere(repo: Repository) -> None:
    repo.objects.put(b"12345")
    assert unpushed(repo, ["origin", "other"]) == (
        Unpushed("origin", 1, 5),
        Unpushed("other", 1, 5),
    )


def test_after_a_push_only_what_is_new_is_lacking(repo: Repository, tmp_path: Path) -> None:
    repo.objects.put(b"12345")
    send(repo, tmp_path / "store")
    assert unpushed(repo, ["origin"]) == ()
    repo.objects.put(b"new")
    again = open_repository(repo.root)
    assert unpushed(again, ["origin"]) == (Unpushed("origin", 1, 3),)


def test_packs_that_were_merged_since_are_no_news(repo: Repository, tmp_path: Path) -> None:
    for number in range(20):
        repo.objects.put(b"%d" % number)
    send(repo, tmp_path / "store")
    for number in range(20, 40):
        repo.objects.put(b"%d" % number)
    again = open_repository(repo.root)
    assert len(again.objects.indexes()) < 40
    assert unpushed(again, ["origin"]) == (Unpushed("origin", 20, 40),)
