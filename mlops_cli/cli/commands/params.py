"""`mlo params`."""

import typer

from mlops_cli.cli import show, values_report
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.cli.values_report import EveryFlag, ExitFlag, MarkdownFlag, Revision, Revisions

app = typer.Typer(help="Show parameters, and compare them with a git revision.")


@app.command("show")
def show_(rev: Revision = None, as_json: JsonFlag = False) -> None:
    """Show the parameters of the work tree or of a git revision."""
    from mlops_cli.runs import values_at

    found = values_at.params(repository(), rev)
    show.emit(found, as_json=as_json, text=values_report.tell_values)


@app.command("diff")
def diff(
    revs: Revisions = None,
    every: EveryFlag = False,
    markdown: MarkdownFlag = False,
    exit_code: ExitFlag = False,
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
