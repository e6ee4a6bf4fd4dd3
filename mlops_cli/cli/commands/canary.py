"""`mlo canary`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.promote import ReasonOption, drifted
from mlops_cli.cli.commands.promote import tell as tell_moved
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.promote import Moved

StageOption = Annotated[
    str, typer.Option("--stage", metavar="STAGE", help="Whose requests it shares")
]
ByOption = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="FIELD", help="Field of a request that has the user, or header:NAME"
    ),
]


def canary(
    reference: Annotated[
        str, typer.Argument(metavar="MODEL[@REF]", help="The version; a model alone shows")
    ],
    share: Annotated[
        str | None, typer.Argument(metavar="[SHARE]", help="Of the requests, such as 10%")
    ] = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Promote it, through the gates, to all requests")
    ] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Give its requests back")] = False,
    by: ByOption = None,
    stage: StageOption = "production",
    reason: ReasonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Try a model version on a share of the requests.

    It answers clients, so the stage's gates and approvals are asked first, as by `mlo promote`,
    and it has to take every request that the version in the stage takes. When one refuses,
    nothing changes and the exit code is 1. A smaller share than it has asks nothing.

    Running servers follow within a second, and lose no request. A canary that fails more often
    or is slower than the version beside it loses its requests by itself; what was seen is in
    `mlo audit`. The same command with another share changes it.
    """
    from mlops_cli.cli import routed
    from mlops_cli.errors import RequestError
    from mlops_cli.registry import promote as promoting
    from mlops_cli.registry import routes, trial
    from mlops_cli.registry.routed import routed as standing

    if (share is not None) + promote + abort > 1:
        raise RequestError("give a share, --promote or --abort, one of them")
    repo = repository()
    name = reference.partition("@")[0]
    if share is not None:
        part, judge = routes.share_of(share), drifted(repo)
        tried = trial.begin(
            repo, reference, "canary", share=part, by=by, stage=stage, reason=reason, drifted=judge
        )
        stop_if_refused(tried, as_json=as_json)
    elif abort:
        routes.end(repo, name, "canary", how="aborted", stage=stage, reason=reason)
    elif promote:
        number = routes.only(repo, name, "canary", stage).version
        moved = promoting.promote(
            repo, f"{name}@v{number}", stage, reason=reason, drifted=drifted(repo)
        )
        show.emit(moved, as_json=as_json, text=tell_moved)
        if moved.refused:
            raise typer.Exit(1)
        return
    show.emit(standing(repo, name, stage), as_json=as_json, text=routed.tell)


def stop_if_refused(tried: "Moved", *, as_json: bool) -> None:
    """Say which gates refused, and end with 1, where the version may not answer clients."""
    if tried.refused:
        show.emit(tried, as_json=as_json, text=tell_moved)
        raise typer.Exit(1)
