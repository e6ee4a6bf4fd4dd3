"""`mlo evaluate`."""

from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag


def evaluate(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="MODEL[@REF]", help="The version (default: the newest, as for promote)"
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH[@REV]",
            help="The table (default: as the settings say, else the test table of its run)",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column that holds the truth")
    ] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="COLUMN", help="Evaluate apart by this column's values"),
    ] = None,
    sensitive: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Say how differently this column's groups are treated"),
    ] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="LABEL", help="The favourable label (default: the last)")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--md", "--markdown", help="Markdown, for a comment on a pull request")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say how good a model is on some data, for the record.

    Each metric has the interval that it lies in with 95 % when rows are drawn again. What was
    found is an event of the model, so gates, the model card and `mlo trace` read it; the answers
    are kept row by row, so that two versions can be compared on the same rows. A table that is
    not versioned is taken into the store.
    """
    from pathlib import Path

    from mlops_cli.cli import evaluation_report
    from mlops_cli.registry import meant, models
    from mlops_cli.registry.evaluation.evaluate import evaluate as look

    repo = repository()
    if "@" not in reference:
        reference, note = meant.judged(repo, reference)
        if note:
            show.note(note, rest="  ")
    found = look(
        repo,
        models.resolve(repo, reference),
        data,
        target=target,
        slices=slices or (),
        sensitive=sensitive or (),
        positive=positive,
        start=Path.cwd(),
    )
    tell = evaluation_report.markdown if markdown else evaluation_report.tell
    show.emit(found, as_json=as_json, text=tell)
