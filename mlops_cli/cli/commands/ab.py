"""`mlo ab`: experiments between versions of a model."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.canary import ByOption, StageOption, stop_if_refused
from mlops_cli.cli.commands.promote import ReasonOption, drifted
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.cli.since import minute

if TYPE_CHECKING:
    from mlops_cli.registry.experiment import Outcome, Report

app = typer.Typer(help="Compare versions of a model on users who each meet one")


@app.command("start")
def start(
    reference: Annotated[str, typer.Argument(metavar="MODEL@REF", help="The version to try")],
    share: Annotated[str, typer.Argument(metavar="SHARE", help="Of the users, such as 50%")],
    by: ByOption = None,
    stage: StageOption = "production",
    reason: ReasonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let a version answer a share of the users.

    The same user meets the same version, on any server and after a restart. Several versions may
    take part. The same command with another share changes it, and the count begins anew.

    The stage's gates and approvals are asked first, as by `mlo promote`, and the version has to
    take every request that the one in the stage takes; else nothing changes and the exit code is
    1. A smaller share than it has asks nothing.
    """
    from mlops_cli.cli import routed
    from mlops_cli.registry import routes, trial
    from mlops_cli.registry.routed import routed as standing

    repo = repository()
    by = by or repo.settings.serving.by
    part = routes.share_of(share)
    judge = drifted(repo)
    tried = trial.begin(
        repo, reference, "ab", share=part, by=by, stage=stage, reason=reason, drifted=judge
    )
    stop_if_refused(tried, as_json=as_json)
    name = reference.partition("@")[0]
    show.emit(standing(repo, name, stage), as_json=as_json, text=routed.tell)


@app.command("stop")
def stop(
    reference: Annotated[
        str, typer.Argument(metavar="MODEL[@REF]", help="A model, or one version of several")
    ],
    stage: StageOption = "production",
    reason: ReasonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """End an experiment: the version in the stage answers all again."""
    from mlops_cli.cli import routed
    from mlops_cli.registry import models, routes
    from mlops_cli.registry.routed import routed as standing

    repo = repository()
    name, at, _ = reference.partition("@")
    version = models.resolve(repo, reference).number if at else None
    routes.end(repo, name, "ab", how="stopped", stage=stage, version=version, reason=reason)
    show.emit(standing(repo, name, stage), as_json=as_json, text=routed.tell)


@app.command("report")
def report(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model")],
    success: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="Feedback that counts as one (default: true, 1, yes)"),
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Chance of seeing a difference that is none")
    ] = 0.05,
    stage: StageOption = "production",
    as_json: JsonFlag = False,
) -> None:
    """Say how often each version led to what was hoped for.

    What became of a prediction is told by `/feedback` or `mlo feedback`. The test holds however
    often one looks, so an experiment may be stopped as soon as it says so.
    """
    from mlops_cli.registry import experiment

    found = experiment.report(repository(), model, stage=stage, success=success, alpha=alpha)
    show.emit(found, as_json=as_json, text=tell)
    if found.skipped:
        show.note(found.skipped)
    if found.unmet:
        wanted = "is true, 1 or yes" if success is None else f"is '{success}'"
        there = ", ".join(f"'{label}'" for label in found.labels)
        show.note(f"no feedback {wanted}, so nothing converted; it is {there}", rest="  ")
        if success is None:
            show.note("say what counts: --success VALUE")


def tell(found: "Report") -> None:
    """Print an experiment."""
    since = f"since {minute(found.since)}"
    if found.until is not None:
        since = f"from {minute(found.since)} to {minute(found.until)}"
    show.line(f"{found.model}@{found.stage}, by {found.by}, {since} UTC", rest="  ")
    known = f"of {found.labelled} it is known what became"
    show.line(f"{found.predictions} predictions, {known}; counted by {found.unit}", rest="  ")
    show.line()
    rows = [_row(one) for one in found.outcomes]
    show.table(("version", "share", "converted", "rate", "95%", "against it", "p"), rows)
    show.line()
    if found.lost:
        show.note(f"{found.lost} predictions without a key of a user count by themselves")
    base = found.outcomes[0]
    told = [one for one in found.outcomes[1:] if one.p is not None and one.p < found.alpha]
    for one in told:
        better = (one.rate or 0) > (base.rate or 0)
        word = "better" if better else "worse"
        show.line(f"v{one.version} is {word} than v{base.version} (p = {one.p:.2g})")
    if not told:
        show.line(f"no difference from v{base.version} is shown so far")


def _row(one: "Outcome") -> tuple[str, ...]:
    rate = "-" if one.rate is None else f"{one.rate:.2%}"
    low, high = 100 * one.interval.low, 100 * one.interval.high
    between = f"{low:.3g} .. {high:.3g}%" if one.units else "-"
    ratio = "-" if one.ratio is None else f"x {one.ratio.low:.3g} .. {one.ratio.high:.3g}"
    p = "-" if one.p is None else f"{one.p:.2g}"
    share, converted = f"{100 * one.share:.4g}%", f"{one.converted} of {one.units}"
    return f"v{one.version}", share, converted, rate, between, ratio, p
