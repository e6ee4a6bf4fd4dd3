"""`mlo diff`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.data.diff import Diff, FileChange
    from mlops_cli.data.table_diff import TableChange

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_COLUMNS_SHOWN = 12


def diff(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REV] [REV] [PATH]...", help="Git revisions, then paths"),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something differs")
    ] = False,
    names: Annotated[
        bool, typer.Option("--files", help="Files only, without looking into tables")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what differs between two versions of the data.

    With no REV, from the pointers to the work tree; with one, from it to the work tree; with two,
    from the first to the second. Tables (CSV, TSV, Parquet, JSON lines) are compared by rows,
    columns and statistics too.
    """
    from mlops_cli.data.diff import diff as compare

    repo = repository()
    revs, paths = _sort_out(repo, arguments or [])
    old, new = (*revs, None, None)[:2]
    found = compare(repo, old, new, only=paths, tables=not names)
    show.emit(found, as_json=as_json, text=_tell)
    if exit_code and found.changes:
        raise typer.Exit(1)


def _sort_out(repo: "Repository", arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return revisions and kept paths; what is versioned or exists as a path is one."""
    from pathlib import Path

    from mlops_cli.core import git
    from mlops_cli.data.paths import relative
    from mlops_cli.errors import RequestError

    revs: list[str] = []
    paths: list[str] = []
    for word in arguments:
        if not paths and len(revs) < 2 and not Path(word).exists():
            try:
                git.resolve(repo.root, word)
            except RequestError:
                paths.append(relative(repo, Path(word)))
            else:
                revs.append(word)
            continue
        paths.append(relative(repo, Path(word)))
    return revs, paths


def _tell(found: "Diff") -> None:
    if not found.changes:
        show.note(f"no difference from {found.old} to {found.new}")
    for change in found.changes:
        sign, colour = _SIGNS[change.state]
        show.line(f"{show.style(sign, colour)} {change.path}  {_sizes(change)}")
        if change.note:
            show.line(f"    {change.note}")
        if change.table:
            _tell_table(change.table)


def _sizes(change: "FileChange") -> str:
    sizes = [
        show.size(size) if size is not None else "size unknown"
        for size, there in (
            (change.size_before, change.state != "added"),
            (change.size_after, change.state != "removed"),
        )
        if there
    ]
    return " -> ".join(dict.fromkeys(sizes))


def _tell_table(table: "TableChange") -> None:
    show.line(
        f"    rows {table.rows_before:,} -> {table.rows_after:,}"
        f" ({table.rows_added:,} added, {table.rows_removed:,} removed)"
    )
    for title, names in (
        ("columns added", table.columns_added),
        ("columns removed", table.columns_removed),
    ):
        if names:
            show.line(f"    {title}: {', '.join(names)}")
    rows = [
        (column.name, one.name, one.before, one.after)
        for column in table.columns_changed[:_COLUMNS_SHOWN]
        for one in column.statistics
    ]
    if rows:
        show.table(["column", "statistic", "before", "after"], rows, indent=4)
    more = len(table.columns_changed) - _COLUMNS_SHOWN
    if more > 0:
        show.line(f"    and {more} more columns; all are in --json")
