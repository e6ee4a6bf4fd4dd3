"""`mlo profile`."""

from pathlib import Path
from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.options import JsonFlag


def profile(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH[@REV]",
            help="A table: a file, a folder of files, a pattern in quotes, or a version of such",
        ),
    ],
    approx: Annotated[
        bool, typer.Option("--approx", help="Estimate, in far less memory; not of rows as a whole")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page of HTML to this file too")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what a table holds, column by column.

    Kinds, missing and distinct values, ranges, quantiles, the commonest values and shapes; rows
    that are there twice, columns that go together, and what should be looked at before a model
    learns from it: constants, ids, numbers among text, one word spelled in two ways.
    """
    from datetime import UTC, datetime

    from mlops_cli.cli import profile_report
    from mlops_cli.monitor.profiling.look import look

    found = look(path, start=Path.cwd(), approx=approx)
    if html is not None:
        profile_report.write(found, html, when=datetime.now(UTC))
    show.emit(found, as_json=as_json, text=profile_report.tell)
