"""What `mlo diff --md` prints: Markdown for a comment on a pull request."""

from typing import TYPE_CHECKING

from mlops_cli.cli import diff_words, show
from mlops_cli.cli.markdown import grid
from mlops_cli.page.markdown import code, escaped

if TYPE_CHECKING:
    from mlops_cli.data.diff import Diff
    from mlops_cli.data.tables.change import TableChange


def tell(found: "Diff", *, all_columns: bool) -> None:
    """Print a table of files, then a section for each table of data."""
    show.line(f"### Data: {escaped(found.old)} to {escaped(found.new)}")
    show.line()
    if not found.changes:
        show.line("No difference.")
        return
    grid(
        ["", "file", "size", "rows"],
        [
            (
                one.state,
                code(one.path)
                if not one.path_before
                else f"{code(one.path_before)} → {code(one.path)}",
                diff_words.sizes(one),
                diff_words.rows(one.table).removeprefix("rows ") if one.table else one.note or "",
            )
            for one in found.changes
        ],
    )
    for change in found.changes:
        if change.table:
            show.line()
            show.line(f"#### {code(change.path)}")
            show.line()
            _tell_table(change.table, all_columns=all_columns)


def _tell_table(table: "TableChange", *, all_columns: bool) -> None:
    for text in (
        *filter(None, [diff_words.key(table)]),
        *diff_words.troubles(table),
        *diff_words.columns(table),
        *table.notes,
    ):
        show.line(f"- {escaped(text)}")
    if table.examples:
        show.line()
        examples = [(one.state, *diff_words.example(one)) for one in table.examples]
        grid(["row", "key", "cells"], [(state, escaped(k), escaped(c)) for state, k, c in examples])
    drawn = diff_words.statistics(table, all_columns=all_columns)
    if drawn:
        show.line()
        grid(
            ["column", "statistic", "before", "after"],
            [tuple(escaped(one) for one in row) for row in drawn],
        )
