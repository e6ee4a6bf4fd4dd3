"""`mlo promote`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.registry.gates.asked import Drifted
    from mlops_cli.registry.models import Version
    from mlops_cli.registry.promote import Moved

ReasonOption = Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the record")]


def promote(
    reference: Annotated[
        str, typer.Argument(metavar="MODEL[@REF]", help="The version (default: the newest)")
    ],
    stage: Annotated[str, typer.Argument(help="Where it is to stand, such as production")],
    reason: ReasonOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the gates would")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Move a stage to a model version, through the stage's gates.

    Gates are what `.mlops.yaml` asks of the stage: another stage first, approvals, bounds on
    metrics and fairness, better or not worse than another stage's version, latency, size,
    signature, reproduction, drift, and commands. A gate that cannot be computed refuses. When one
    refuses, nothing moves and the exit code is 1. A running `mlo serve MODEL@STAGE` follows within
    a second.
    """
    from mlops_cli.registry.promote import next_stage, rules_of
    from mlops_cli.registry.promote import promote as move

    repo = repository()
    moved = move(repo, reference, stage, reason=reason, dry_run=dry_run, drifted=drifted(repo))
    show.emit(moved, as_json=as_json, text=tell)
    required = rules_of(repo, moved.model, stage).requires
    where = next_stage(repo, moved.model, stage) if moved.moved else _missing(moved, required)
    if where is not None and not as_json:
        show.note(f"next: mlo promote {moved.model}@v{moved.number} {where}")
    if moved.refused:
        raise typer.Exit(1)


def drifted(repo: "Repository") -> "Drifted":
    """Return what compares the training data of two versions, loaded when a gate asks."""

    def judge(before: "Version", now: "Version") -> tuple[bool, str]:
        from mlops_cli.monitor import trained

        return trained.drifted(repo)(before, now)

    return judge


def _missing(moved: "Moved", required: str | None) -> str | None:
    """Return the stage that a refused version has to stand in first, if that is what it lacks."""
    lacking = (one.gate == f"was in {required}" and not one.passed for one in moved.gates)
    return required if moved.refused and any(lacking) else None


def tell(moved: "Moved") -> None:
    """Print what became of a stage."""
    for result in moved.gates:
        mark = show.style("pass", "green") if result.passed else show.style("FAIL", "red")
        show.line(f"  {mark}  {result.gate}: {result.why}", rest=" " * 8)
        if result.hint is not None and not result.passed:
            show.line(f"        {result.hint}", rest=" " * 10)
    what = f"{moved.model} v{moved.number}"
    if moved.refused:
        show.line(f"{what} was refused for {moved.stage}")
    elif moved.moved:
        before = f", after v{moved.before}" if moved.before else ""
        show.line(f"{what} is in {moved.stage} now{before}")
    elif moved.before == moved.number:
        show.line(f"{what} is in {moved.stage} already")
    else:
        show.line(f"{what} would pass into {moved.stage}")
