"""`mlo import-mlflow`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.imports.mlflow_move import Moved

_FEW = 20


def import_mlflow(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="An mlruns folder, MLflow's SQLite file, or a server's URL"
        ),
    ],
    experiment: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this experiment; may be given again"),
    ] = None,
    artifacts: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Read artifacts from this folder too, and below it"),
    ] = None,
    no_artifacts: Annotated[
        bool, typer.Option("--no-artifacts", help="Leave artifacts and models out")
    ] = False,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Take runs that were deleted in MLflow too")
    ] = False,
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Take runs that MLflow saw no end of too, as killed"),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would come, and change nothing")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take over the runs that MLflow has.

    Name, times, status, parameters, every value of every metric, tags, the note, parent, commit,
    user, artifacts and logged models come with a run; its experiment, datasets and versions in
    MLflow's registry become tags. A run that came before stays as it is: say the same again, and
    only what is new comes. MLflow need not be installed. Traces, evaluations, prompts and the
    registry itself stay behind. Ends with 1 if a run could not be read.
    """
    from mlops_cli.imports.mlflow_move import Wanted, move

    moved = move(
        repository(),
        source,
        Wanted(tuple(experiment or ()), deleted, unfinished, not no_artifacts),
        artifacts=artifacts or (),
        dry_run=dry_run,
        progress=show.progress(),
    )
    show.emit(moved, as_json=as_json, text=_tell)
    if moved.refused:
        raise typer.Exit(1)


def _tell(moved: "Moved") -> None:
    would = "would come" if moved.dry_run else "came"
    size = f", {show.number(moved.files, 'file')} of artifacts, {show.size(moved.bytes)}"
    points = "" if moved.dry_run else f", {show.number(moved.points, 'value')} of metrics"
    show.line(f"{show.number(moved.runs, 'run')} {would}{points}{size}", rest="  ")
    for name, count in moved.experiments.items():
        show.line(f"  {count:>6,}  {name}", rest="          ")
    if moved.present:
        was = "was" if moved.present == 1 else "were"
        show.line(f"{show.number(moved.present, 'run')} {was} here already")
    _tell_left_out(moved)
    if moved.refused:
        show.line(f"{show.number(len(moved.refused), 'run')} could not be read:")
        for one in moved.refused[:_FEW]:
            show.line(f"  {one.run[:40]} of {one.experiment}: {one.why}", rest="    ")
        if len(moved.refused) > _FEW:
            show.line(f"  and {len(moved.refused) - _FEW} more; --json lists them")
        for hint in dict.fromkeys(one.hint for one in moved.refused if one.hint):
            show.note(f"  try: {hint}")


def _tell_left_out(moved: "Moved") -> None:
    for count, what, how in (
        (moved.deleted, "run", "deleted in MLflow (--deleted takes them)"),
        (moved.unfinished, "run", "not over yet (--unfinished takes them as killed)"),
        (moved.links, "link", "among artifacts"),
        (moved.homeless, "registered version", "made of no run"),
    ):
        if count:
            show.line(f"left out: {show.number(count, what)}, {how}", rest="  ")
