"""Charts of runs as one page of HTML that needs nothing else: no script, no request."""

from collections.abc import Iterator, Sequence
from typing import Any

from mlops_cli.page import html, lines
from mlops_cli.page.html import Html
from mlops_cli.page.lines import Line
from mlops_cli.runs.plot import Chart, Plots, Series

_MAX_PARAMS = 12


def page(plots: Plots, *, title: str) -> str:
    """Return the page of some charts."""
    return html.page(title, [_runs(plots), html.cards(map(_chart, plots.charts))])


def _runs(plots: Plots) -> Html:
    """Return a table of the runs: parameters in which they differ, and metrics."""
    params = _differing([run.params for run in plots.runs])[:_MAX_PARAMS]
    metrics = sorted({name for run in plots.runs for name in run.metrics})[:_MAX_PARAMS]
    return html.table(
        ["run", "key", "began (UTC)", "status", *params, *metrics], _rows(plots, params, metrics)
    )


def _rows(
    plots: Plots, params: Sequence[str], metrics: Sequence[str]
) -> Iterator[list[str | float | None]]:
    for run in plots.runs:
        values = [_cell(run.params.get(name)) for name in params]
        values += [_cell(run.metrics.get(name)) for name in metrics]
        yield [run.name, run.key, run.started[:16].replace("T", " "), run.status, *values]


def _differing(columns: Sequence[dict[str, Any]]) -> list[str]:
    names = sorted({name for column in columns for name in column})
    first = columns[0] if columns else {}
    return [
        name
        for name in names
        if any(column.get(name) != first.get(name) for column in columns) or len(columns) == 1
    ]


def _cell(value: Any) -> str | float | None:
    plain = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return value if plain else str(value)


def _chart(chart: Chart) -> Html:
    drawn = lines.chart(chart.title, [_line(one) for one in chart.series], x=chart.x)
    return html.card(chart.title, drawn)


def _line(one: Series) -> Line:
    last = "no finite number" if one.last is None else f"{one.last:.6g}"
    broken = f", {one.broken:,} not finite" if one.broken else ""
    return Line(one.label, one.points, told=last + broken)
