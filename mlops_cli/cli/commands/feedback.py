"""`mlo feedback`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.feedback import Recorded

_SHOWN = 5


def feedback(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON lines or Parquet")],
    id_column: Annotated[
        str, typer.Option("--id", metavar="COLUMN", help="Which column has the prediction ids")
    ] = "id",
    label_column: Annotated[
        str, typer.Option("--label", metavar="COLUMN", help="Which column has what was true")
    ] = "label",
    time_column: Annotated[
        str | None,
        typer.Option("--time", metavar="COLUMN", help="Which column says when (default: now)"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Tell what turned out to be true of predictions.

    FILE has the id of each prediction, as `mlo serve` answered it, and its label. The same id again
    replaces its label. Labels that cannot count are not kept: no number where the model answers
    numbers, or a class that it does not have in place of one that it has. Exits with 1 when there
    are such, or no prediction here has some of the ids.
    """
    from mlops_cli.registry.feedback_file import Columns, record

    columns = Columns(id_column, label_column, time_column)
    recorded = record(repository(), source, columns, progress=show.progress())
    show.emit(recorded, as_json=as_json, text=_tell)
    if recorded.strange:
        show.note(
            f"warning: {show.number(recorded.strange, 'label')} of classes that the model does not"
            " have; they count as answers that were wrong, or, with two classes, not at all",
            rest="  ",
        )
    if recorded.unknown or recorded.unusable:
        raise typer.Exit(1)


def _tell(recorded: "Recorded") -> None:
    total = recorded.kept
    told = [f"{recorded.new:,} new"]
    if recorded.replaced:
        told.append(f"{recorded.replaced:,} replace another")
    if recorded.same:
        told.append(f"{recorded.same:,} known already")
    show.line(f"{total:,} label{'' if total == 1 else 's'}: {', '.join(told)}")
    if recorded.unlogged:
        show.line(f"{recorded.unlogged:,} for predictions that the log does not have")
    if recorded.unknown:
        show.line(f"{recorded.unknown:,} for ids that no prediction in this clone has")
    if recorded.unusable:
        show.line(f"{recorded.unusable:,} not kept, since they cannot count with the model")
    for one in recorded.examples[:_SHOWN]:
        show.line(f"  {one}")
