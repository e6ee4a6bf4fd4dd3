"""Charts as one page of HTML that needs nothing else: no script, no request."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from mlops_cli.runs.plot import Chart, Plots, Series

_WIDTH, _HEIGHT = 360, 228
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 34
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c6d31")
"""Told apart by colour-blind readers as well (Okabe and Ito); dashes tell more curves apart."""
_DASHES = ("", "6 3", "2 2", "8 3 2 3")
_MAX_PARAMS = 12
_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --faint: #767676; --rule: #d8d8d8; --page: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --faint: #9a9a9a; --rule: #404040; --page: #161616 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; background: var(--page); color: var(--ink);
  font: 1rem/1.45 system-ui, sans-serif }
h1 { font-size: 1.3rem; margin: 0 0 .5rem }
h2 { font-size: 1rem; margin: 0 0 .2rem; overflow-wrap: anywhere }
.charts { display: grid; gap: 1.5rem; margin-top: 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)) }
svg { display: block; width: 100%; height: auto }
svg text { fill: var(--faint); font: 11px system-ui, sans-serif }
.grid { stroke: var(--rule); stroke-width: 1; vector-effect: non-scaling-stroke }
.curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke }
ul { list-style: none; margin: .2rem 0 0; padding: 0; font-size: .85rem }
li { overflow-wrap: anywhere }
li svg { display: inline-block; width: 1.6em; height: .7em; margin-right: .4em }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .85rem }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--rule);
  white-space: nowrap }
td.number { text-align: right; font-variant-numeric: tabular-nums }
"""


def page(plots: Plots, *, title: str) -> str:
    """Return the page of some charts."""
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *_runs(plots),
        '<div class="charts">',
        *(_chart(chart) for chart in plots.charts),
        "</div></body></html>\n",
    ]
    text = "\n".join(parts)
    return text.encode("utf-8", "replace").decode()


def _runs(plots: Plots) -> Iterator[str]:
    """Yield a table of the runs: parameters in which they differ, and metrics."""
    params = _differing([run.params for run in plots.runs])[:_MAX_PARAMS]
    metrics = sorted({name for run in plots.runs for name in run.metrics})[:_MAX_PARAMS]
    head = ["run", "key", "began (UTC)", "status", *params, *metrics]
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr></thead><tbody>"
    for run in plots.runs:
        cells = [run.name, run.key, run.started[:16].replace("T", " "), run.status]
        told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        values = [run.params.get(name) for name in params]
        values += [run.metrics.get(name) for name in metrics]
        told += "".join(f'<td class="number">{escape(_cell(value))}</td>' for value in values)
        yield f"<tr>{told}</tr>"
    yield "</tbody></table></div>"


def _differing(columns: Sequence[dict[str, Any]]) -> list[str]:
    names = sorted({name for column in columns for name in column})
    first = columns[0] if columns else {}
    return [
        name
        for name in names
        if any(column.get(name) != first.get(name) for column in columns) or len(columns) == 1
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _chart(chart: Chart) -> str:
    points = [point for one in chart.series for point in one.points]
    heading = f"<section><h2>{escape(chart.title)}</h2>"
    if not points:
        return f"{heading}<p>no finite number</p></section>"
    left, right = _span([at for at, _ in points])
    low, high = _span([value for _, value in points])
    parts = [
        heading,
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">',
    ]
    for value in ticks(low, high):
        y = _scaled(value, low, high, _HEIGHT - _BOTTOM, _TOP)
        parts.append(f'<path class="grid" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:g}" text-anchor="end">{value:.4g}</text>')
    for value in ticks(left, right):
        x = _scaled(value, left, right, _LEFT, _WIDTH - _RIGHT)
        parts.append(f'<text x="{x}" y="{_HEIGHT - 20}" text-anchor="middle">{value:.4g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 5}" text-anchor="middle">{escape(chart.x)}</text>'
    )
    frame = (left, right, low, high)
    for number, one in enumerate(chart.series):
        parts.append(_curve(one, number, frame))
    return "".join([*parts, "</svg>", _legend(chart.series), "</section>"])


def _curve(one: Series, number: int, frame: tuple[float, float, float, float]) -> str:
    left, right, low, high = frame
    place = [
        f"{_scaled(at, left, right, _LEFT, _WIDTH - _RIGHT)},"
        f"{_scaled(value, low, high, _HEIGHT - _BOTTOM, _TOP)}"
        for at, value in one.points
    ]
    title = f"<title>{escape(one.label)}</title>"
    if len(place) == 1:
        x, y = place[0].split(",")
        colour = _COLOURS[number % len(_COLOURS)]
        return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}">{title}</circle>'
    return f'<polyline class="curve" {_ink(number)} points="{" ".join(place)}">{title}</polyline>'


def _ink(number: int) -> str:
    dash = _DASHES[number // len(_COLOURS) % len(_DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{_COLOURS[number % len(_COLOURS)]}"{dashed}'


def _legend(series: Sequence[Series]) -> str:
    items = []
    for number, one in enumerate(series):
        sample = f'<svg viewBox="0 0 24 8"><path class="curve" {_ink(number)} d="M0 4H24"/></svg>'
        last = "no finite number" if one.last is None else f"{one.last:.6g}"
        broken = f", {one.broken:,} not finite" if one.broken else ""
        items.append(f"<li>{sample}{escape(one.label)}: {last}{broken}</li>")
    return f"<ul>{''.join(items)}</ul>"


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Return round numbers within a span, about `count` of them.

    >>> ticks(0.0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    rough = (high / count) - (low / count)
    if not math.isfinite(rough) or rough <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    least = rough * count / (count + 1)
    step = next((power * one for one in (1, 2, 5, 10) if power * one >= least), rough)
    first = math.ceil(low / step)
    found = [(first + number) * step for number in range(2 * count + 2)]
    return [float(f"{value:.12g}") for value in found if value <= high + step * 1e-9]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low == high:
        room = abs(low) / 10 or 1.0
        return low - room, high + room
    return low, high


def _scaled(value: float, low: float, high: float, start: float, end: float) -> float:
    share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return round(start + share * (end - start), 1)
