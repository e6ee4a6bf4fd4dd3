"""What `mlo diff --md` prints: Markdown for a comment on a pull request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import diff_words, show

if TYPE_CHECKING:
    from mlops_cli.data.diff import Diff
    from mlops_cli.data.tables.change import TableChange


def tell(found: "Diff", *, all_columns: bool) -> None:
    """Print a table of files, then a section for each table of data."""
    show.line(f"### Data: {_escaped(found.old)} to {_escaped(found.new)}")
    show.line()
    if not found.changes:
        show.line("No difference.")
        return
    _table(
        ["", "file", "size", "rows"],
        [
            (
                one.state,
                _code(one.path)
                if not one.path_before
                else f"{_code(one.path_before)} → {_code(one.path)}",
                diff_words.sizes(one),
                diff_words.rows(one.table).removeprefix("rows ") if one.table else one.note or "",
            )
            for one in found.changes
        ],
    )
    for change in found.changes:
        if change.table:
            show.line()
            show.line(f"#### {_code(change.path)}")
            show.line()
            _tell_table(change.table, all_columns=all_columns)


def _tell_table(table: "TableChange", *, all_columns: bool) -> None:
    for text in (
        *filter(None, [diff_words.key(table)]),
        *diff_words.troubles(table),
        *diff_words.columns(table),
        *table.notes,
    ):
        show.line(f"- {_escaped(text)}")
    if table.examples:
        show.line()
        examples = [(one.state, *diff_words.example(one)) for one in table.examples]
        _table(
            ["row", "key", "cells"], [(state, _escaped(k), _escaped(c)) for state, k, c in examples]
        )
    drawn = diff_words.statistics(table, all_columns=all_columns)
    if drawn:
        show.line()
        _table(
            ["column", "statistic", "before", "after"],
            [tuple(_escaped(one) for one in row) for row in drawn],
        )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    show.line("| " + " | ".join(columns) + " |")
    show.line("|" + " --- |" * len(columns))
    for row in rows:
        show.line("| " + " | ".join(row) + " |")


def _code(text: str) -> str:
    r"""Return a name as code, whatever is in it.

    >>> _code("a|b`c")
    '`` a\\|b`c ``'
    """
    text = text.replace("|", "\\|").replace("\n", " ")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _escaped(text: str) -> str:
    r"""Return text in which nothing is Markdown or HTML.

    >>> _escaped("a_b <i> #1 | x")
    'a\\_b &lt;i&gt; #1 \\| x'
    """
    text = (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    )
    for mark in "\\`*_[]|":
        text = text.replace(mark, "\\" + mark)
    return text.replace("-&gt;", "→").replace("\n", " ")
