"""Running elsewhere: a commit in a work tree aside, which shares the store with the user's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlops_cli.core import worktrees
from mlops_cli.core.repository import Repository
from mlops_cli.runs.finish import reap


@contextmanager
def worktree(repo: Repository, commit: str) -> Iterator[Repository]:
    """Give the project as it is in a commit for a `with` block, in a folder of its own.

    Runs recorded there are in the store of `repo`; nothing else of the user's is touched. Versioned
    data is not there until somebody checks it out. The folder is removed at the end, after what
    ran there was recorded.

    Raises:
        RequestError: the project is in no git repository.
        ExternalError: git or the disk refused.
    """
    reap(repo)
    room = worktrees.make(repo.layout, commit)
    aside = Repository(room.layout)
    aside.on_wait = repo.on_wait
    try:
        yield aside
    finally:
        reap(aside)
        room.close()
