"""`mlo status`."""

from typing import Annotated

import typer

from mlops_cli.cli.options import JsonFlag


def status(
    as_json: JsonFlag = False,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code", help="Exit with 1 when data changed or conflicts, or a step is stale"
        ),
    ] = False,
) -> None:
    """Say what changed and what is stale.

    Compares the data with its pointers, and the pipeline with mlo.lock; names what a git
    merge left open, models with a version that is in no stage, what remotes lack, and runs that
    were killed. Nothing is changed, and no remote is asked.
    """
    from mlops_cli.cli.standing_report import report

    code = report(as_json=as_json, exit_code=exit_code)
    if code:
        raise typer.Exit(code)
