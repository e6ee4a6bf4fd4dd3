"""Running elsewhere: a commit in a work tree aside, which shares the store with the user's own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlops_cli.core import git, worktrees
from mlops_cli.core.files import read_regular
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import code
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


@contextmanager
def aside(repo: Repository, rev: str | None) -> Iterator[tuple[Repository, code.State]]:
    """Give the project at a git revision, or as it is now, in a folder of its own; and its code.

    As it is now means with all that is not committed, and with `mlo.lock` as it is.

    Raises:
        RequestError: there is no such revision, or nothing to make a work tree of.
        ExternalError: as of `worktree`.
    """
    if rev is None:
        state = code.state(repo)
    else:
        commit = git.resolve(repo.root, rev)
        state = code.State(commit=commit, snapshot=commit)
    if state.snapshot is None:
        raise RequestError(
            f"a work tree aside needs a git commit: {state.problem or 'there is none'}",
            hint="git init, and commit the code",
        )
    with worktree(repo, state.snapshot) as found:
        if rev is None:
            with suppress(FileNotFoundError):
                found.layout.lockfile.write_bytes(read_regular(repo.layout.lockfile))
        yield found, state
