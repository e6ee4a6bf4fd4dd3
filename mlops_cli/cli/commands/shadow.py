"""`mlo shadow`."""

from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.canary import StageOption
from mlops_cli.cli.commands.promote import ReasonOption
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag


def shadow(
    reference: Annotated[
        str, typer.Argument(metavar="MODEL[@REF]", help="The version; a model alone shows")
    ],
    share: Annotated[
        str | None, typer.Argument(metavar="[SHARE]", help="Of the requests, such as 10%")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Show it no more requests")] = False,
    stage: StageOption = "production",
    reason: ReasonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a model version requests that another answers.

    What it says goes to the prediction log and `/metrics` alone: no client sees it, and no
    client waits for it, so no gate of the stage is asked. MODEL@REF without a share shows it all
    requests.
    """
    from mlops_cli.cli import routed
    from mlops_cli.errors import RequestError
    from mlops_cli.registry import models, routes, trial
    from mlops_cli.registry.routed import routed as standing

    if share is not None and stop:
        raise RequestError("give a share or --stop, one of them")
    repo = repository()
    name = reference.partition("@")[0]
    if stop:
        routes.end(repo, name, "shadow", how="stopped", stage=stage, reason=reason)
    elif share is not None or "@" in reference:
        part = routes.share_of(share or "100%")
        routes.begin(repo, reference, "shadow", share=part, stage=stage, reason=reason)
        version = models.resolve(repo, reference)
        fits = trial.takes(models.model(repo, name), version, stage)
        if fits is not None and not fits.passed:
            show.note(f"it fails on some of what it is shown: {fits.why}", rest="  ")
    show.emit(standing(repo, name, stage), as_json=as_json, text=routed.tell)
