"""Taking runs off the list. Their records stay in the store, for what was made from them."""

from collections.abc import Sequence

from mlops_cli.audit import chain
from mlops_cli.core import journal
from mlops_cli.core.repository import Repository
from mlops_cli.runs.find import resolve
from mlops_cli.runs.index import removed_path
from mlops_cli.runs.record import Run


def remove(repo: Repository, references: Sequence[str]) -> tuple[Run, ...]:
    """Hide runs from lists, references and the run cache of this clone; return them.

    Raises:
        RequestError: a reference fits no run; then none is removed.
    """
    runs = {run.id: run for run in [resolve(repo, text) for text in references]}
    for run in runs.values():
        journal.append(removed_path(repo), {"key": run.key}, durable=True)
        chain.record(repo, "runs rm", run.key, {"run": run.id})
    return tuple(runs.values())
