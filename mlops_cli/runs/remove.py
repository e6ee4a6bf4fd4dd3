"""Taking runs off the list, and putting them back.

Their records stay in the store, for what was made from them, until `gc`.
"""

from collections.abc import Collection, Sequence

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject, RequestError, StateError
from mlops_cli.runs import said
from mlops_cli.runs.find import resolve
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run


def remove(repo: Repository, runs: Sequence[Run], *, kept: Collection[str] = ()) -> None:
    """Hide runs from lists, references and the run cache; once pushed, in other clones too.

    `kept` are ids of runs that must not go.

    Raises:
        StateError: one of them must not go; then none goes.
    """
    if held := [run.name for run in runs if run.id in kept]:
        named = "', '".join(held[:3]) + ("', ..." if len(held) > 3 else "'")
        raise StateError(
            f"a model version was registered from '{named}", hint="mlo runs rm --force RUN"
        )
    said.remove(repo, runs, removed=True)


def put_back(repo: Repository, references: Sequence[str]) -> tuple[Run, ...]:
    """List removed runs again, and return them.

    Raises:
        RequestError: no removed run fits a reference, or several do; then none is put back.
        StateError: `gc` has dropped the record of one.
    """
    runs = tuple({run.id: run for run in [_removed(repo, text) for text in references]}.values())
    said.remove(repo, runs, removed=False)
    return runs


def chosen(repo: Repository, references: Sequence[str]) -> tuple[Run, ...]:
    """Return the runs that references mean, each once.

    Raises:
        RequestError: a reference fits no run, or several.
    """
    return tuple({run.id: run for run in [resolve(repo, text) for text in references]}.values())


def _removed(repo: Repository, text: str) -> Run:
    with open_index(repo) as index:
        found = index.connection.execute(
            "SELECT id, key FROM runs WHERE removed AND (name = ?1 OR (length(?1) > 3 AND "
            "(substr(key, 1, length(?1)) = ?1 OR substr(id, 1, length(?1)) = ?1)))",
            (text,),
        ).fetchall()
    if not found:
        raise RequestError(f"no run '{text}' was removed", hint="mlo runs list --removed")
    if len(found) > 1:
        keys = ", ".join(key for _, key in found[:8])
        raise RequestError(
            f"'{text}' may be {len(found)} removed runs: {keys}", hint="name the key"
        )
    ((oid, key),) = found
    try:
        return Run.read(repo, ObjectId(oid))
    except MissingObject as error:
        raise StateError(
            f"the record of run {key} is gone: mlo gc dropped it after the run was removed",
            hint="mlo pull, from a remote that has it" if repo.settings.remotes else None,
        ) from error
