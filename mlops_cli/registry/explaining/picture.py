"""An explanation as a drawing, SVG alone or in a page of HTML that needs nothing else."""

from collections.abc import Iterator, Sequence
from html import escape

from mlops_cli.page import html
from mlops_cli.page.html import Html
from mlops_cli.registry.explaining.explanation import Explanation, Weight, named

MOST = 30
"""So many columns are drawn; the page's table has all."""
_ROW, _BAR = 24, 14
_LEFT, _MIDDLE, _RIGHT = 8, 190, 90
_WIDTH = 640
_UP, _DOWN = "#0072b2", "#d55e00"
"""Told apart by colour-blind readers as well (Okabe and Ito)."""
_INK = (
    "text{font:12px system-ui,sans-serif;fill:var(--ink,#1a1a1a)}"
    ".faint{fill:var(--faint,#6b6b6b)}"
    ".rule{stroke:var(--rule,#d8d8d8)}.whisker{stroke:var(--ink,#1a1a1a)}"
)


def page(found: Explanation) -> str:
    """Return a page of HTML with the drawing, the numbers, and what they are."""
    drawn = html.tag("div", Html(svg(found)), class_="drawing scroll")
    return html.page(heading(found), [drawn, _table(found)], under=list(lines(found)))


def heading(found: Explanation) -> str:
    """Return what is explained, in a line."""
    what = "one row" if found.row is not None else "which columns it goes by"
    return f"{found.model} v{found.number}: {what}"


def lines(found: Explanation) -> Iterator[str]:
    """Yield what the numbers are, as sentences."""
    few = f" of {found.all_rows:,}" if found.rows < found.all_rows else ""
    drawn = ", drawn at random" if few else ""
    where = f"over {found.rows:,}{few} rows of {found.data.path} {found.data.oid[:10]}{drawn}"
    if found.row is not None:
        yield f"answer {found.answer}; {found.of} is {found.score:.4g}"
        yield f"on average {found.base:.4g}, {where}"
    elif found.score is None:
        yield f"{found.of}, {where}"
    else:
        name = found.of.removeprefix("loss of ")
        yield f"{found.of} when a column is shuffled; {name} is {found.score:.4g}"
        yield where
    yield from found.notes


def svg(found: Explanation) -> str:
    """Return bars, one a column, with their spread."""
    shown = found.weights[:MOST]
    low, high = _span(shown)
    height = _ROW * len(shown) + 30
    zero = _at(0.0, low, high)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(heading(found))}"><style>{_INK}</style>',
        *(
            _bar(one, named(one, of_row=found.row is not None), place, low, high)
            for place, one in enumerate(shown)
        ),
        f'<path class="rule" d="M{zero} 0V{height - 24}"/>',
        f'<text class="faint" x="{_LEFT}" y="{height - 6}">{escape(found.of)}</text>',
        "</svg>",
    ]
    return "".join(parts).encode("utf-8", "replace").decode()


def _bar(one: Weight, name: str, place: int, low: float, high: float) -> str:
    top = place * _ROW + 5
    zero, end = _at(0.0, low, high), _at(one.value, low, high)
    text = escape(name if len(name) <= 28 else name[:27] + "…")
    spread = "" if one.std is None else f" ± {one.std:.3g}"
    parts = [
        f"<g><title>{escape(name)}: {one.value:.6g}{spread}</title>",
        f'<text x="{_MIDDLE - 8}" y="{top + 11}" text-anchor="end">{text}</text>',
        f'<rect x="{min(zero, end)}" y="{top}" width="{abs(end - zero):.1f}" height="{_BAR}" '
        f'fill="{_UP if one.value >= 0 else _DOWN}"/>',
        f'<text x="{_WIDTH - _RIGHT + 8}" y="{top + 11}">{one.value:+.3g}</text>',
    ]
    if one.std:
        left, right = (_at(one.value + by, low, high) for by in (-one.std, one.std))
        parts.append(f'<path class="whisker" d="M{left} {top + _BAR / 2:g}H{right}"/>')
    return "".join([*parts, "</g>"])


def _span(shown: Sequence[Weight]) -> tuple[float, float]:
    """Return the ends of the axis, which has zero on it."""
    ends = [one.value + by for one in shown for by in (-(one.std or 0.0), one.std or 0.0)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    return (low, high) if high > low else (0.0, 1.0)


def _at(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low)
    return round(_MIDDLE + share * (_WIDTH - _RIGHT - _MIDDLE), 1)


def _table(found: Explanation) -> Html:
    cells = found.row is not None
    spread = any(one.std is not None for one in found.weights)
    head = ["column", *(["value"] * cells), found.of, *(["spread"] * spread)]
    return html.table(head, (_row(one, cells=cells, spread=spread) for one in found.weights))


def _row(one: Weight, *, cells: bool, spread: bool) -> list[str | float | None]:
    told: list[str | float | None] = [one.column]
    if cells:
        told.append("missing" if one.cell is None else str(one.cell))
    told.append(one.value)
    if spread:
        told.append(one.std)
    return told
