"""The refs that keep snapshots of code from git's `gc`: which of them a run still needs."""

from collections.abc import Collection, Iterator

from mlops_cli.core import git_snapshot, worktrees
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.runs import open_run
from mlops_cli.runs.record import Run


def prune(repo: Repository, removed: Collection[str]) -> int:
    """Let go of snapshots that neither a run nor an open run names; return how many.

    `removed` are the keys of runs that count no more. Their bundles are the store's own affair.
    """
    kept = git_snapshot.kept(repo.root)
    gone = kept - set(_needed(repo, removed)) if kept else kept
    git_snapshot.forget(repo.root, gone)
    return len(gone)


def _needed(repo: Repository, removed: Collection[str]) -> Iterator[str]:
    for layout in (repo.layout, *worktrees.layouts(repo.layout)):
        for opened in open_run.each(Repository(layout)):
            yield str(opened.head.code["snapshot"])
    repo.objects.refresh()
    for oid in repo.objects.each(Kind.RUN):
        run = Run.read(repo, oid)
        if run.code.snapshot and run.key not in removed:
            yield run.code.snapshot
