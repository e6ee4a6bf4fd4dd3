"""`mlo metrics`."""

import typer

from mlops_cli.cli import show, values_report
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.cli.values_report import EveryFlag, ExitFlag, MarkdownFlag, Revision, Revisions

app = typer.Typer(help="Show metrics, and compare them with a git revision.")


@app.command("show")
def show_(rev: Revision = None, as_json: JsonFlag = False) -> None:
    """Show the metrics that mlo.lock has, of the work tree or of a git revision."""
    from mlops_cli.runs import values_at

    found = values_at.metrics(repository(), rev)
    show.emit(found, as_json=as_json, text=values_report.tell_values)


@app.command("diff")
def diff(
    revs: Revisions = None,
    every: EveryFlag = False,
    markdown: MarkdownFlag = False,
    exit_code: ExitFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the metrics that differ between git revisions.

    With no REV, from HEAD to the work tree; with one, from it to the work tree; with two, from the
    first to the second. Metrics are those that mlo.lock has: what a commit says its
    pipeline came to. Which change is for the better is told by gates, or else by the name.
    """
    from mlops_cli.runs import values_at

    values_report.report(
        repository(),
        values_at.metrics,
        revs or [],
        title="Metrics",
        judge=values_at.judged,
        everything=every,
        markdown=markdown,
        as_json=as_json,
        exit_code=exit_code,
    )
