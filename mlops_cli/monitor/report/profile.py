"""The page of a table: what it holds, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mlops_cli.monitor.profiling.column import SHARES, Bins, ColumnProfile
from mlops_cli.monitor.profiling.table import TableProfile
from mlops_cli.monitor.report import words
from mlops_cli.page import html, shapes
from mlops_cli.page.html import Html
from mlops_cli.page.room import Room, fitted

_MOST = Room(drawn=120, listed=500)
_DAYS_S = 3 * 86_400
_HEAD = ("column", "kind", "missing", "distinct", "lowest", "median", "highest", "spread")


def page(found: TableProfile, *, title: str, source: str, when: datetime) -> str:
    """Return the page of a table called `title`, of which `source` says where it is from.

    Of very many columns the first are on it.
    """
    return fitted(lambda room: _page(found, room, title, f"{source}; {words.minutes(when)}"), _MOST)


def _page(found: TableProfile, room: Room, title: str, under: str) -> str:
    parts = [
        html.facts(facts(found)),
        *_oddities(found, room),
        html.section("Columns", _columns(found, room), under=_left_out(found, room)),
        html.section("Each column", html.cards(map(_card, found.columns[: room.drawn]))),
        *_pairs(found),
    ]
    return html.page(title, parts, under=[under])


def facts(found: TableProfile) -> Iterator[tuple[str, str]]:
    """Yield what is to be said of the whole table, each with its name."""
    yield "rows", f"{found.rows:,}"
    yield "columns", f"{len(found.columns):,}"
    cells = sum(column.rows for column in found.columns)
    missing = sum(column.missing for column in found.columns)
    yield "missing cells", words.percent(missing / cells if cells else 0.0)
    if found.repeated is not None:
        yield "repeated rows", f"{found.repeated:,}"


def oddities(found: TableProfile) -> Iterator[tuple[str, str]]:
    """Yield what should be looked at, each with the column that it is of."""
    yield from (("table:", one) for one in found.oddities)
    yield from ((column.name, one) for column in found.columns for one in column.oddities)


def told(column: ColumnProfile) -> str:
    """Return the middle of a column and between what it lies, or its commonest value, in words."""
    if column.kind == "category":
        return _commonest(column)
    if column.low is None or column.high is None:
        return ""
    low, high = words.value(column.low, column.kind), words.value(column.high, column.kind)
    if column.kind == "datetime" and column.high - column.low > _DAYS_S:
        return f"{low[:10]} .. {high[:10]}"
    if column.kind == "boolean":
        return f"{words.percent(column.mean or 0.0)} true"
    return low if low == high else f"{low} .. {high}"


def _commonest(column: ColumnProfile) -> str:
    if not column.common:
        return letters(column)
    text, rows = column.common[0]
    return f"'{html.clipped(str(text), 30)}' {words.percent(rows / (column.rows - column.missing))}"


def letters(column: ColumnProfile) -> str:
    """Return how long the texts of a column are, in words."""
    if column.low is None:
        return ""
    if column.low == column.high:
        return f"{column.low:g} letter{'' if column.low == 1 else 's'}"
    return f"{column.low:g} to {column.high:g} letters"


def _oddities(found: TableProfile, room: Room) -> Iterator[Html]:
    each = list(oddities(found))
    if each:
        more = f"the first {room.listed:,} of {len(each):,}" if len(each) > room.listed else ""
        yield html.section("Worth a look", html.listed(each[: room.listed]), under=more)


def _left_out(found: TableProfile, room: Room) -> str:
    drawn = min(room.drawn, len(found.columns))
    if len(found.columns) > room.listed:
        few = f"the first {room.listed:,} of {len(found.columns):,}"
        return f"{few}; the first {drawn} are drawn below"
    return f"the first {drawn} are drawn below" if len(found.columns) > drawn else ""


def _columns(found: TableProfile, room: Room) -> Html:
    return html.table(_HEAD, map(_row, found.columns[: room.listed]))


def _row(column: ColumnProfile) -> list[str | float | None]:
    missing = column.missing / column.rows if column.rows else 0.0
    spread = heights(column)
    text = column.kind == "category"
    middle = column.quantiles[SHARES.index(0.5)] if column.quantiles and not text else None
    return [
        column.name,
        words.KINDS[column.kind],
        words.percent(missing) if missing else "",
        f"{'about ' if column.error else ''}{column.distinct:,}",
        _commonest(column) if text else words.value(column.low, column.kind),
        words.value(middle, column.kind),
        "" if text else words.value(column.high, column.kind),
        shapes.sparkline(spread) if spread else "",
    ]


def heights(column: ColumnProfile) -> Sequence[float]:
    """Return what a column's sparkline is made of."""
    if column.bins is not None:
        return [sum(column.bins.shares[at : at + 2]) for at in range(0, len(column.bins.shares), 2)]
    present = column.rows - column.missing
    return [rows / present for _, rows in column.common]


def _card(column: ColumnProfile) -> Html:
    kind = html.mark(words.KINDS[column.kind], "quiet")
    parts = [html.paragraph(_under(column), faint=True), *_drawn(column)]
    parts += [html.paragraph(html.mark("look", "warn"), " ", one) for one in column.oddities]
    return html.card(column.name, *parts, badge=kind)


def _under(column: ColumnProfile) -> str:
    parts = [f"{column.distinct:,} distinct" + (", estimated" if column.error else "")]
    if column.missing:
        parts.append(f"{words.percent(column.missing / column.rows)} missing")
    if column.kind in ("number", "boolean") and column.mean is not None:
        spread = "" if column.std is None else f" ± {column.std:.4g}"
        parts.append(f"mean {column.mean:.4g}{spread}")
    if column.kind == "category" and column.low is not None:
        parts.append(letters(column))
    return ", ".join(parts)


def _drawn(column: ColumnProfile) -> Iterator[Html]:
    few = column.distinct <= len(column.common)
    if column.bins is not None and not few and len(column.bins.starts) > 1:
        yield _histogram(column, column.bins)
    elif column.common:
        rows = [(words.value(one, column.kind), count) for one, count in column.common]
        present = column.rows - column.missing
        bars = [
            (name, float(count), f"{count:,} ({words.percent(count / present)})")
            for name, count in rows
        ]
        yield shapes.bars(f"commonest values of {column.name}", bars)
    if column.kind in ("number", "datetime") and column.quantiles and not few:
        ranks = [f"{share:.0%}" for share in SHARES]
        quantiles = [words.value(one, column.kind) for one in column.quantiles]
        yield html.folded("quantiles", html.table(ranks, [quantiles]))


def _histogram(column: ColumnProfile, bins: Bins) -> Html:
    times = column.kind == "datetime"
    return shapes.overlaid(
        f"distribution of {column.name}", bins.starts, [bins.shares], ["rows"], times=times
    )


def _pairs(found: TableProfile) -> Iterator[Html]:
    if found.pairs:
        rows = [(pair.first, pair.second, round(pair.correlation, 3)) for pair in found.pairs]
        table = html.table(["column", "and", "correlation"], rows)
        under = f"Spearman's correlation, of {found.sampled:,} rows; from 0.5 on"
        yield html.section("Columns that go together", table, under=under)
