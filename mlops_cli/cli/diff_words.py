"""The words in which a change of data is told, on a terminal and in Markdown alike."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import show

if TYPE_CHECKING:
    from mlops_cli.data.diff import FileChange
    from mlops_cli.data.tables.change import ColumnStatistics, RowExample, Statistic, TableChange

CELL_SHOWN = 40


def sizes(change: "FileChange") -> str:
    """Return the sizes of a file: both, where they differ."""
    found = [
        show.size(size) if size is not None else "size unknown"
        for size, there in (
            (change.size_before, change.state != "added"),
            (change.size_after, change.state != "removed"),
        )
        if there
    ]
    return " -> ".join(dict.fromkeys(found))


def rows(table: "TableChange") -> str:
    """Return how many rows there were and are, and how many of them differ."""
    parts = [f"{table.rows_added:,} added", f"{table.rows_removed:,} removed"]
    if table.rows_changed is not None:
        parts.append(f"{table.rows_changed:,} changed")
    differ = table.rows_added or table.rows_removed or table.rows_changed
    total = f"rows {table.rows_before:,} -> {table.rows_after:,}"
    return f"{total} ({', '.join(parts)})" if differ else f"{total}, no row differs"


def key(table: "TableChange") -> str:
    """Return by which key rows belong together, and what is the matter with it."""
    if table.key is None:
        if table.rows_before == table.rows_after == 0:
            return ""
        return "no key: no column is unique, so rows are compared as a whole"
    origin = {
        "option": "as asked",
        "settings": "from .mlops.yaml",
        "inferred": "inferred: unique in both",
    }[table.key.origin]
    return f"key {', '.join(table.key.columns)} ({origin})"


def troubles(table: "TableChange") -> Iterator[str]:
    """Yield what keeps a key from telling rows apart."""
    found = table.key
    if found is None:
        return
    for what, before, after in (
        ("keys are there more than once", found.repeated_before, found.repeated_after),
        ("rows have no key", found.missing_before, found.missing_after),
    ):
        if before or after:
            yield f"{what}: {before:,} before, {after:,} now"


def columns(table: "TableChange") -> Iterator[str]:
    """Yield what happened to the columns themselves."""
    if table.columns_added:
        yield f"columns added: {', '.join(table.columns_added)}"
    if table.columns_removed:
        yield f"columns removed: {', '.join(table.columns_removed)}"
    for one in table.columns_retyped:
        yield f"column retyped: {one.column}  {one.before} -> {one.after}"
    if table.columns_moved:
        yield "columns are in another order"


def example(row: "RowExample") -> tuple[str, str]:
    """Return the key of a row, and what is to be seen in it."""
    name = ", ".join(f"{column}={cell(value)}" for column, value in row.key.items())
    if row.state == "changed":
        return name, ", ".join(
            f"{one.column}: {cell(one.before)} -> {cell(one.after)}" for one in row.cells
        )
    others = {column: value for column, value in (row.row or {}).items() if column not in row.key}
    return name, ", ".join(f"{column}={cell(value)}" for column, value in others.items())


def cell(text: str) -> str:
    """Return a cell in one line, and not too long a one."""
    if text == "" or text != text.strip() or not text.isprintable():
        text = repr(text)
    return text if len(text) <= CELL_SHOWN else text[: CELL_SHOWN - 1] + "…"


def more(table: "TableChange", state: str) -> int:
    """Return how many rows of a state are not shown."""
    total = {
        "added": table.rows_added,
        "removed": table.rows_removed,
        "changed": table.rows_changed or 0,
    }[state]
    return total - sum(one.state == state for one in table.examples)


def statistics(table: "TableChange", *, all_columns: bool) -> list[tuple[str, str, str, str]]:
    """Return a row for each statistic that changed, of the columns that are worth a look.

    The key is not: what it says in sum follows from the rows added. With `all_columns`, every
    statistic of every column. A column is named in its first row.
    """
    drawn: list[tuple[str, str, str, str]] = []
    key = table.key.columns if table.key else ()
    for column in table.statistics:
        if not all_columns and (not column.noticeable or column.column in key):
            continue
        chosen = column.statistics if all_columns else _telling(column)
        name = column.column
        for one in chosen:
            about = "~" if column.about and one.name == "distinct" else ""
            drawn.append((name, one.name, about + _value(one.before), about + _value(one.after)))
            name = ""
        drawn += _top(column, name, all_columns=all_columns)
    return drawn


def _telling(column: "ColumnStatistics") -> Sequence["Statistic"]:
    """Return what changed, without a count that only follows the number of rows."""
    names = {one.name for one in column.changed}
    return [one for one in column.changed if one.name != "count" or "missing" in names]


def _top(
    column: "ColumnStatistics", name: str, *, all_columns: bool
) -> Iterator[tuple[str, str, str, str]]:
    before, after = dict(column.top_before), dict(column.top_after)
    if len({*before, *after}) > 2 * max(len(before), 1) and not all_columns:
        return
    for word in {**before, **after}:
        if all_columns or before.get(word) != after.get(word):
            yield name, f"= {cell(word)}", _value(before.get(word)), _value(after.get(word))
            name = ""


def _value(value: float | int | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else cell(value)
