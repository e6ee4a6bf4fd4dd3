"""`mlo approve`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.promote import ReasonOption
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.approvals import Approval, Given


def approve(
    reference: Annotated[
        str, typer.Argument(metavar="MODEL[@REF]", help="The version (default: the newest)")
    ],
    stage: Annotated[str, typer.Argument(help="The stage, such as production")],
    reason: ReasonOption = None,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take your approval back; what moved stays there")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Approve a model version for a stage, or take that back.

    A stage asks for approvals in .mlops.yaml, by people beside whoever registered the version or
    wrote the commit of its run; each counts once, by git's identity. An approval is for what the
    version is, so it stays when the version gets another number, and is worth nothing for any
    other. It is signed with the key that git signs commits with, if there is one.
    """
    from mlops_cli.registry.approvals import approve as state

    given = state(repository(), reference, stage, reason=reason, revoke=revoke)
    show.emit(given, as_json=as_json, text=_tell)


def _tell(given: "Given") -> None:
    what = f"{given.model} v{given.number}"
    if given.revoked:
        show.line(f"{what} is not approved for {given.stage} by you any more")
    elif given.made:
        how = "signed" if given.signed else "not signed"
        show.line(f"{what} is approved for {given.stage}, {how}")
    else:
        show.line(f"{what} is approved for {given.stage} by you already")
    found = given.standing
    for one in found.counted:
        show.line(f"  {one.who.name} <{one.who.email}>, {one.when[:10]}{_worth(one)}", rest="    ")
    for one in found.others:
        show.line(
            f"  {one.who.name} <{one.who.email}> does not count: {one.objection}", rest="    "
        )
    if found.missing:
        whose = f" of {' or '.join(found.waiting)}" if found.waiting else ""
        show.note(f"still to approve: {found.missing}{whose}")
    elif not given.revoked:
        show.note(f"next: mlo promote {given.model}@v{given.number} {given.stage}")


def _worth(one: "Approval") -> str:
    if one.signature is None:
        return ""
    return {
        "good": ", signed",
        "unknown key": ", signed by a key that nobody vouches for",
        "bad": ", with a bad signature",
        "unchecked": ", signed; there is no program to check it with",
    }[one.signature.standing]
