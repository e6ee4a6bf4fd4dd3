"""`mlo performance`."""

from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag, LastOption, SinceOption, UntilOption


def performance(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL[@REF]]",
            help="The model; a bare name means the version that answered last",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTH", help="Windows of a time, as 1d, or of so many predictions, as 1000"
        ),
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Tell performance by this column's values too"),
    ] = None,
    sensitive: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Watch the gaps between this column's groups"),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="PATH[@ID]",
            help="The evaluation to compare with (default: the first on its own test data)",
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    every: Annotated[bool, typer.Option("--all", help="List every window and alarm")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--md", "--markdown", help="Print Markdown on stdout")
    ] = False,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a page that needs no other file")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare how well a model does live with held-out data.

    By labels that mlo feedback told, window by window; where there are none it is estimated: of
    a classifier from its probabilities, of a regressor from its inputs, as the evaluation has
    them, or newer labels for which that does not hold. A metric has dropped when
    it is worse by more than chance, given how many were tested, and by enough to matter;
    .mlops.yaml sets the bounds under performance. Detectors say when the error changed. Exits
    with 1 when performance has dropped, also where that is an estimate, else with 0.
    """
    from datetime import UTC, datetime

    from mlops_cli.cli import performance_report
    from mlops_cli.monitor.performance.check import check
    from mlops_cli.monitor.span import Span

    show.one_form(as_json=as_json, markdown=as_markdown)
    now = datetime.now(UTC)
    span = Span.told(since, until, last, now=now)
    found = check(
        repository(),
        model,
        span=span,
        window=window,
        segment=segment,
        sensitive=sensitive or (),
        against=against,
    )
    if html is not None:
        performance_report.write(found, html, when=now)
    tell = performance_report.markdown if as_markdown else performance_report.teller(now, every)
    show.emit(found, as_json=as_json, text=tell)
    if not found.holds:
        raise typer.Exit(1)
