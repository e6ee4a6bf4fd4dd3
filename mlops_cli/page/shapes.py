"""Distributions drawn over each other, and bars, in SVG."""

from collections.abc import Callable, Iterator, Sequence

from mlops_cli.page.axis import Span, at, moment, moments, short, span, ticks
from mlops_cli.page.html import Html, clipped, joined, tag

_WIDTH, _HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 8, 20
_ROW = 26
_NAME = 18
"""Letters of a category beside its bars."""


def overlaid(
    title: str,
    bins: Sequence[str | float],
    shares: Sequence[Sequence[float]],
    labels: Sequence[str],
    *,
    times: bool = False,
) -> Html:
    """Return one or two samples over the same bins, and which is which.

    Numbers lie side by side below steps, categories in rows of bars.

    Args:
        title: what is drawn, for those who cannot see it.
        bins: the category of each bin, or the number from which it reaches to the next one's.
        shares: for each sample the share in each bin, in 0..1.
        labels: what each sample is.
        times: whether the numbers are seconds since 1970.
    """
    if all(isinstance(one, int | float) for one in bins) and len(bins) > 1:
        drawn = _steps(title, [float(one) for one in bins], shares, labels, times=times)
    else:
        named = [moment(one) if times and not isinstance(one, str) else _named(one) for one in bins]
        drawn = _rows(title, named, shares, labels)
    return joined([drawn, _key(labels)]) if len(labels) > 1 else drawn


def sparkline(shares: Sequence[float], *, number: int = 0, top: float | None = None) -> Html:
    """Return small bars for a cell of a table; `top` is the share that is as high as the cell."""
    high = top or max(shares, default=0.0) or 1.0
    wide = 88 / max(1, len(shares))
    bars = []
    for place, share in enumerate(shares):
        if share > 0:
            tall = max(1.0, share / high * 19)
            bars.append(f"M{place * wide:.1f} 20v{-tall:.1f}h{wide - 1:.1f}v{tall:.1f}z")
    path = tag("path", class_=f"f{number}", d="".join(bars))
    return tag("svg", path, class_="spark", viewBox="0 0 88 20", aria_hidden="true")


def folded(shares: Sequence[float], most: int) -> list[float]:
    """Return the shares of fewer, wider bins, where there are more than `most` and 1.

    >>> folded([0.1, 0.2, 0.3, 0.4], 2)
    [0.30000000000000004, 0.7]
    """
    if len(shares) <= most + 1:
        return list(shares)
    step = -(-len(shares) // most)
    return [sum(shares[at : at + step]) for at in range(0, len(shares), step)]


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> Html:
    """Return a bar for each row: its name, its length, and what to say of it."""
    high = max((abs(length) for _, length, _ in rows), default=0.0) or 1.0
    height = _ROW * len(rows)
    parts = []
    for place, (name, length, told) in enumerate(rows):
        top = place * _ROW + 5
        wide = round(abs(length) / high * 160, 1)
        parts += [
            tag("title", f"{clipped(name)}: {told}"),
            tag("text", clipped(name, _NAME), x=112, y=top + 12, text_anchor="end"),
            tag("rect", x=118, y=top, width=wide, height=16, class_="f0"),
            tag("text", told, x=118 + wide + 5, y=top + 12),
        ]
    return tag("svg", *parts, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=title)


def _steps(
    title: str,
    edges: list[float],
    shares: Sequence[Sequence[float]],
    labels: Sequence[str],
    *,
    times: bool,
) -> Html:
    edges = [*edges, edges[-1] + (edges[-1] - edges[-2])] if len(edges) == len(shares[0]) else edges
    ends = span(edges)
    top = max((share for sample in shares for share in sample), default=0.0) or 1.0
    parts = [*_ticks(ends, times=times)]
    for number, sample in enumerate(shares):
        outline = _outline(edges, sample, ends, top)
        closed = f"M{_LEFT} {_HEIGHT - _BOTTOM}{outline}V{_HEIGHT - _BOTTOM}z"
        parts.append(tag("path", class_=f"area f{number}", d=closed))
    for number, sample in enumerate(shares):
        outline = _outline(edges, sample, ends, top)
        dash = "dashed " if number else ""
        start = f"M{_LEFT} {_HEIGHT - _BOTTOM}{outline}"
        parts.append(tag("path", class_=f"curve {dash}s{number}", d=start))
    parts += _hover(edges, shares, labels, ends, times=times)
    return tag("svg", *parts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=title)


def _outline(edges: Sequence[float], sample: Sequence[float], ends: Span, top: float) -> str:
    told = []
    for edge, share in zip(edges[1:], sample, strict=True):
        y = at(share, Span(0.0, top), _HEIGHT - _BOTTOM, _TOP)
        told.append(f"V{y:g}H{at(edge, ends, _LEFT, _WIDTH - _RIGHT):g}")
    return "".join(told)


def _hover(
    edges: Sequence[float],
    shares: Sequence[Sequence[float]],
    labels: Sequence[str],
    ends: Span,
    *,
    times: bool,
) -> Iterator[Html]:
    """Yield what is told of each bin where the pointer is."""
    words: Callable[[float], str] = moment if times else _named
    for place in range(len(edges) - 1):
        left, right = (at(edge, ends, _LEFT, _WIDTH - _RIGHT) for edge in edges[place : place + 2])
        told = [
            f"{label} {_percent(sample[place])}"
            for label, sample in zip(labels, shares, strict=True)
        ]
        title = tag("title", f"from {words(edges[place])}: {', '.join(told)}")
        box = {"x": left, "y": _TOP, "width": round(right - left, 1)}
        yield tag("rect", title, fill_opacity=0, height=_HEIGHT - _BOTTOM - _TOP, **box)


def _ticks(ends: Span, *, times: bool) -> Iterator[Html]:
    bottom = _HEIGHT - _BOTTOM
    yield tag("path", class_="grid", d=f"M{_LEFT} {bottom}H{_WIDTH - _RIGHT}")
    numbers = [(value, short(value)) for value in ticks(*ends)]
    for value, told in moments(ends, 3) if times else numbers:
        x = at(value, ends, _LEFT, _WIDTH - _RIGHT)
        anchor = "start" if x < 2 * _LEFT else "end" if x > _WIDTH - 2 * _RIGHT else "middle"
        yield tag("text", told, x=x, y=_HEIGHT - 6, text_anchor=anchor)


def _rows(
    title: str, names: Sequence[str], shares: Sequence[Sequence[float]], labels: Sequence[str]
) -> Html:
    top = max((share for sample in shares for share in sample), default=0.0) or 1.0
    thick = 16 // len(shares)
    parts = []
    for place, name in enumerate(names):
        above = place * _ROW + 5
        parts.append(tag("text", clipped(name, _NAME), x=112, y=above + 12, text_anchor="end"))
        for number, sample in enumerate(shares):
            wide = round(sample[place] / top * 150, 1)
            y = above + number * thick
            told = tag("title", f"{clipped(name)}: {labels[number]} {_percent(sample[place])}")
            box = {"x": 118, "y": y, "width": max(wide, 0.5), "height": thick - 1}
            parts.append(tag("rect", told, class_=f"f{number}", **box))
        said = " → ".join(_percent(sample[place]) for sample in shares)
        end = 118 + round(max(sample[place] for sample in shares) / top * 150, 1)
        parts.append(tag("text", said, x=end + 5, y=above + 12))
    height = _ROW * len(names)
    return tag("svg", *parts, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=title)


def _key(labels: Sequence[str]) -> Html:
    items = []
    for number, label in enumerate(labels):
        sample = tag("rect", class_=f"f{number}", width=24, height=8, opacity=0.7)
        items.append(tag("li", tag("svg", sample, viewBox="0 0 24 8"), label))
    return tag("ul", *items, class_="key row")


def _named(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
