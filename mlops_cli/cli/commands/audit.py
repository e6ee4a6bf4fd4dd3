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
    subject: Annotated[str | None, typer.Argument(help="Only what was done to this")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole record")] = False,
    last: Annotated[int | None, typer.Option("--last", "-n", help="Only the newest N")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List who did what, and verify the record.

    With --verify, every entry of every chain is hashed and followed back to its first, and every
    event of every model must be explained by an entry; exit code 4 when one is not.
    """
    from mlops_cli.audit import chain

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
    entries = [entry for entry in chain.entries(repo) if subject in (None, entry.subject)]
    show.emit(entries[-last:] if last else entries, as_json=as_json, text=_list)


def _tell(checked: "Verification") -> None:
    for problem in checked.problems:
        show.line(problem)
    if checked.sound:
        show.line(f"the record holds: {checked.entries} entries, {checked.events} events of models")


def _list(entries: "list[Entry]") -> None:
    rows = [
        (entry.time[:19].replace("T", " "), entry.name, entry.action, _brief(entry.subject))
        for entry in entries
    ]
    if rows:
        show.table(["when (UTC)", "who", "did", "what"], rows)
    else:
        show.note("nothing is recorded yet")


def _brief(subject: str) -> str:
    return subject if len(subject) <= 34 else subject[:33] + "…"
