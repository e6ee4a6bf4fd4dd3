"""The table of rows, as Markdown."""

from collections.abc import Sequence

from benchmarks.measure import Row

_HEAD = ("what", "mlo", "against", "takes", "ratio", "limit", "")
_DIGITS = {"s": 3, "MB": 2, "ms": 1, "us": 1, "%": 2}


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table whose columns line up.

    >>> print(table([Row("status", 0.1, "find", 0.2, 2.0), Row("add", 1.0, "borg: none", None, 1)]))
    | what   | mlo     | against    | takes   | ratio | limit |    |
    | ------ | ------- | ---------- | ------- | ----- | ----- | -- |
    | status | 0.100 s | find       | 0.200 s | 0.50  | 2.00  | ok |
    | add    | 1.000 s | borg: none |         |       | 1.00  |    |
    """
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    drawn = [_line([c.ljust(w) for c, w in zip(line, widths, strict=True)]) for line in lines]
    drawn.insert(1, _line(["-" * width for width in widths]))
    return "\n".join(drawn)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.what,
        _amount(row.ours, row.unit),
        row.against,
        _amount(row.theirs, row.unit),
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.limit is None else f"{row.limit:.2f}",
        _verdict(row),
    )


def _verdict(row: Row) -> str:
    if row.ratio is None or row.limit is None:
        return ""
    return "ok" if row.holds else "OVER"


def _amount(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.{_DIGITS.get(unit, 0)}f} {unit}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
