"""Removing runs: their records are hidden here, and no longer keep their outputs alive."""

from collections.abc import Sequence

from mlops_cli.audit import chain
from mlops_cli.core import journal
from mlops_cli.core.repository import Repository
from mlops_cli.runs.index import removed_path
from mlops_cli.runs.record import Run


def remove(repo: Repository, runs: Sequence[Run]) -> None:
    """Remove runs from this clone's lists. The record of who did what keeps that they ran."""
    for run in runs:
        journal.append(removed_path(repo), {"key": run.key}, durable=True)
        chain.record(repo, "remove run", run.key, {"run": run.id, "name": run.name})
