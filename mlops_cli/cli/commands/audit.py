"""`mlo audit`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    from mlops_cli.audit.chain import Entry, Verification


def audit(
    subject: Annotated[
        str | None,
        typer.Argument(help="Only what was done to this model, version, run, batch or path"),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole record")] = False,
    last: Annotated[int | None, typer.Option("--last", "-n", help="Only the newest N")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List who did what, and verify the record.

    SUBJECT is a model with all its versions, one such as churn@v3 or churn@production, a run's
    name or id, a batch, or a path with the runs that read or wrote it.

    With --verify, every entry of every chain is hashed and followed back to its first, and every
    event of every model must be explained by an entry; exit code 4 when one is not.
    """
    from mlops_cli.audit import chain
    from mlops_cli.cli.audited import about

    repo = repository()
    if verify:
        checked = chain.verify(repo)
        show.emit(checked, as_json=as_json, text=_tell)
        if not checked.sound:
            raise IntegrityError(
                "the record does not hold",
                hint="compare with a clone: git clone, mlo fetch, mlo audit",
            )
        return
    entries = chain.entries(repo)
    chosen = entries if subject is None else about(repo, subject, entries)
    if subject is not None and not chosen and not as_json:
        show.note(f"nothing about '{subject}' among {len(entries)} entries")
        return
    show.emit(chosen[-last:] if last else chosen, as_json=as_json, text=_list)


def _tell(checked: "Verification") -> None:
    for problem in checked.problems:
        show.line(problem)
    if checked.sound:
        show.line(f"the record holds: {checked.entries} entries, {checked.events} events of models")


def _list(entries: "list[Entry]") -> None:
    rows = [
        (entry.time[:19].replace("T", " "), entry.name, _did(entry), _brief(entry.subject))
        for entry in entries
    ]
    if rows:
        show.table(["when (UTC)", "who", "did", "what"], rows)
    else:
        show.note("nothing is recorded yet")


def _did(entry: "Entry") -> str:
    """Return what was done, and where to: a stage or an alias."""
    where = entry.detail.get("stage") or entry.detail.get("alias")
    return f"{entry.action} to {where}" if where else entry.action


def _brief(subject: str) -> str:
    return subject if len(subject) <= 34 else subject[:33] + "…"
