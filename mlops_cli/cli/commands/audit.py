"""`mlo audit`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import IntegrityError, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_cli.audit.chain import Entry
    from mlops_cli.audit.verification import Verification


def audit(
    subject: Annotated[
        str | None,
        typer.Argument(help="Only what was done to this model, version, run, batch or path"),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole record")] = False,
    signed: Annotated[
        bool,
        typer.Option("--signed", help="With --verify: ask for signatures on all about models"),
    ] = False,
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this name or e-mail did")
    ] = None,
    action: Annotated[
        str | None, typer.Option(metavar="DEED", help="Only this, such as promote")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only since then: 24h, 7d, 2026-01-31")
    ] = None,
    last: Annotated[int | None, typer.Option("--last", "-n", help="Only the newest N")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List who did what, and verify the record.

    SUBJECT is a model with all its versions, one such as churn@v3 or churn@production, a run's
    name or id, a batch, or a path with the runs that read or wrote it.

    With --verify, every entry of every chain is hashed and followed back to its first; every event
    of every model must be told of by one entry, of the same deed by the same person; nothing that
    was told of, or that a remote was seen to have, may be gone; no chain may be shorter than what
    is stored of it; approvals must be of their version, and signatures of what they stand under.
    Exit code 4 when something is wrong. With --json all that is listed is exported whole.
    """
    from mlops_cli.audit import chain
    from mlops_cli.cli.audited import about
    from mlops_cli.registry.verification import verify as check

    repo = repository()
    if signed and not verify:
        raise RequestError("--signed goes with --verify", hint="mlo audit --verify --signed")
    if verify:
        checked = check(repo, signed=signed)
        show.emit(checked, as_json=as_json, text=_tell)
        if not checked.sound:
            raise IntegrityError(
                "the record does not hold",
                hint="compare with a clone: git clone, mlo fetch, mlo audit",
            )
        return
    entries = chain.entries(repo)
    chosen = entries if subject is None else about(repo, subject, entries)
    chosen = _only(chosen, who=who, action=action, since=since)
    if entries and not chosen and not as_json:
        what = f" about '{subject}'" if subject is not None else " of this"
        show.note(f"nothing{what} among {len(entries)} entries")
        return
    show.emit(chosen[-last:] if last else chosen, as_json=as_json, text=_list)


def _tell(checked: "Verification") -> None:
    for problem in checked.problems:
        show.line(problem, rest="  ")
    for doubt in checked.doubts:
        show.note(doubt, rest="  ")
    if not checked.sound:
        return
    events = f"{show.number(checked.events, 'event')} of models"
    entries = f"{checked.entries:,} {'entry' if checked.entries == 1 else 'entries'}"
    show.line(f"the record holds: {entries}, {events}")
    if checked.signed or checked.unknown:
        moves = checked.signed + checked.unknown + checked.unsigned
        unknown = f", {checked.unknown} by keys that nobody vouches for" if checked.unknown else ""
        show.line(f"signed: {checked.signed} of {moves} entries about models{unknown}", rest="  ")


def _only(
    entries: "list[Entry]", *, who: str | None, action: str | None, since: str | None
) -> "list[Entry]":
    """Return the entries by somebody, of one deed, since a moment, as far as these are given."""
    from datetime import UTC, datetime

    from mlops_cli.cli.since import moment

    start = "" if since is None else moment(since, datetime.now(UTC))
    name = None if who is None else who.casefold()
    return [
        entry
        for entry in entries
        if entry.time >= start
        and (name is None or name in (entry.name.casefold(), entry.email.casefold()))
        and (action is None or entry.action == action)
    ]


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
    if entry.action == "route":
        return _routed(entry.detail)
    if entry.action in ("alert", "alert action"):
        how = entry.detail.get("state" if entry.action == "alert" else "action")
        return f"{entry.action} {how}"
    if entry.action == "retrain":
        return f"retrain: {entry.detail.get('status') or entry.detail.get('step')}"
    where = entry.detail.get("stage") or entry.detail.get("alias")
    to = "for" if entry.action in ("approve", "revoke") else "to"
    return f"{entry.action} {to} {where}" if where else entry.action


def _routed(detail: "Mapping[str, Any]") -> str:
    """Return which part a version got of the requests to a stage, or lost."""
    part = {"ab": "experiment"}.get(detail["role"], detail["role"])
    share = detail.get("ended") or f"{100 * detail['share']:.4g}%"
    return f"{part} {share} in {detail['stage']}"


def _brief(subject: str) -> str:
    return subject if len(subject) <= 34 else subject[:33] + "…"
