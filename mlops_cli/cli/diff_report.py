"""What `mlo diff` prints on a terminal."""

from typing import TYPE_CHECKING

from mlops_cli.cli import diff_words, show

if TYPE_CHECKING:
    from mlops_cli.data.diff import Diff, FileChange
    from mlops_cli.data.tables.change import TableChange

SIGNS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "renamed": (">", "blue"),
}
_COLUMNS_SHOWN = 60
"""So many lines of statistics, unless all columns are asked for."""


def tell(found: "Diff", *, all_columns: bool) -> None:
    """Print each file that differs, and how each table did."""
    if not found.changes:
        show.note(f"no difference from {found.old} to {found.new}")
    for change in found.changes:
        _tell_file(change)
        if change.table:
            _tell_table(change.table, all_columns=all_columns)


def names(found: "Diff") -> None:
    """Print the path of each file that differs."""
    for change in found.changes:
        show.line(change.path)


def summary(found: "Diff") -> None:
    """Print a line for each file, and a total."""
    if not found.changes:
        show.note(f"no difference from {found.old} to {found.new}")
        return
    for change in found.changes:
        table = change.table
        told = ""
        if table:
            told = f"  rows +{table.rows_added:,} -{table.rows_removed:,}"
            told += "" if table.rows_changed is None else f" ~{table.rows_changed:,}"
        _tell_file(change, told)
    counts = {state: sum(one.state == state for one in found.changes) for state in SIGNS}
    grown = sum((one.size_after or 0) - (one.size_before or 0) for one in found.changes)
    sign = "-" if grown < 0 else "+"
    told = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)
    files = f"{len(found.changes):,} file{'s' * (len(found.changes) != 1)}"
    show.line(f"{files}: {told}; {sign}{show.size(abs(grown))}")


def _tell_file(change: "FileChange", told: str = "") -> None:
    sign, colour = SIGNS[change.state]
    came = f"{change.path_before} -> " if change.path_before else ""
    show.line(f"{show.style(sign, colour)} {came}{change.path}  {diff_words.sizes(change)}{told}")
    if change.note:
        show.line(f"    {change.note}", rest="      ")


def _tell_table(table: "TableChange", *, all_columns: bool) -> None:
    show.line("    " + diff_words.rows(table))
    for text in (
        *filter(None, [diff_words.key(table)]),
        *diff_words.troubles(table),
        *diff_words.columns(table),
        *table.notes,
    ):
        show.line(f"    {text}", rest="      ")
    _tell_rows(table)
    drawn = diff_words.statistics(table, all_columns=all_columns)
    shown = drawn if all_columns else drawn[:_COLUMNS_SHOWN]
    if shown:
        show.line()
        show.table(["column", "statistic", "before", "after"], shown, indent=4)
    if len(drawn) > len(shown):
        show.line(f"    and {len(drawn) - len(shown)} more lines: --stats")


def _tell_rows(table: "TableChange") -> None:
    for state in ("changed", "added", "removed"):
        chosen = [one for one in table.examples if one.state == state]
        sign, colour = SIGNS[state]
        for one in chosen:
            key, told = diff_words.example(one)
            text = "  ".join(filter(None, [key, told]))
            show.line(f"      {show.style(sign, colour)} {text}", rest="          ")
        more = diff_words.more(table, state)
        if chosen and more > 0:
            show.line(f"        and {more:,} more {state}")
