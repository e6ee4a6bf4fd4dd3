"""`mlo params`."""

from typing import Annotated

import typer

from mlops_cli.cli import show, values_report
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

app = typer.Typer(help="Show parameters, and compare them with a git revision.")
Revisions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[REV] [REV]", help="Git revisions (default: HEAD, to the work tree)"),
]


@app.command("show")
def show_(
    rev: Annotated[
        str | None, typer.Argument(metavar="REV", help="Git revision (default: the work tree)")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the parameters of the work tree or of a git revision."""
    from mlops_cli.runs import values_at

    found = values_at.params(repository(), rev)
    show.emit(found, as_json=as_json, text=values_report.tell_values)


@app.command("diff")
def diff(
    revs: Revisions = None,
    every: Annotated[bool, typer.Option("--all", help="Show also what is the same")] = False,
    markdown: Annotated[
        bool, typer.Option("--md", "--markdown", help="Markdown, for a comment on a pull request")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something differs")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the parameters that differ between git revisions.

    With no REV, from HEAD to the work tree; with one, from it to the work tree; with two, from the
    first to the second. Parameters are those of .mlops.yaml, and those that steps
    read from files, as FILE:NAME.
    """
    from mlops_cli.runs import values_at

    values_report.report(
        repository(),
        values_at.params,
        revs or [],
        title="Params",
        everything=every,
        markdown=markdown,
        as_json=as_json,
        exit_code=exit_code,
    )
