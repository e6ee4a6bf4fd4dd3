"""`mlo diff`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlops_cli.core.repository import Repository
    from mlops_cli.data.diff import Diff


def diff(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REV] [REV] [PATH]...", help="Git revisions, then paths"),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="COLUMN[,COLUMN]", help="Columns that tell rows apart (default: found)"
        ),
    ] = None,
    rows: Annotated[
        int, typer.Option("--rows", min=0, metavar="N", help="Rows to show of each kind of change")
    ] = 5,
    stats: Annotated[
        bool | None,
        typer.Option(
            "--stats/--no-stats",
            help="Show statistics of all columns, or gather none: faster (default: what changed)",
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something differs")
    ] = False,
    files: Annotated[
        bool, typer.Option("--files", help="Files only, without looking into tables")
    ] = False,
    name_only: Annotated[bool, typer.Option("--name-only", help="Paths only, one a line")] = False,
    stat: Annotated[bool, typer.Option("--stat", help="One line a file, and a total")] = False,
    markdown: Annotated[
        bool, typer.Option("--md", help="Markdown, for a comment on a pull request")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what differs between two versions of the data.

    With no REV, from the pointers to the work tree; with one, from it to the work tree; with two,
    from the first to the second. Tables of any size (CSV, TSV, Parquet, JSON lines) are compared
    by rows, columns and statistics too. Rows belong together by the key that --key names, else by
    the one that .mlops.yaml declares, else by the first column that has no value twice.
    """
    from mlops_cli.data.diff import TableLook
    from mlops_cli.data.diff import diff as compare
    from mlops_cli.errors import RequestError

    if files + name_only + stat + markdown + as_json > 1 and not (files and as_json):
        raise RequestError(
            "one form of output at a time", hint="--files, --name-only, --stat, --md or --json"
        )
    repo = repository()
    revs, paths = _sort_out(repo, arguments or [])
    look: TableLook | None = TableLook(
        tuple(name.strip() for name in key.split(",") if name.strip()) if key else (),
        0 if stat else rows,
        stats is not False and not stat,
        show.progress(),
    )
    if files or name_only:
        look = None
    found = compare(repo, *(*revs, None, None)[:2], only=paths, look=look)
    text = _form(name_only=name_only, stat=stat, markdown=markdown, all_columns=bool(stats))
    show.emit(found, as_json=as_json, text=text)
    if exit_code and found.changes:
        raise typer.Exit(1)


def _form(
    *, name_only: bool, stat: bool, markdown: bool, all_columns: bool
) -> "Callable[[Diff], None]":
    from functools import partial

    from mlops_cli.cli import diff_report

    if name_only:
        return diff_report.names
    if stat:
        return diff_report.summary
    if markdown:
        from mlops_cli.cli import diff_markdown

        return partial(diff_markdown.tell, all_columns=all_columns)
    return partial(diff_report.tell, all_columns=all_columns)


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
                old, dots, new = word.partition("..")
                if dots and old and new and "/." not in word:
                    hint = f"two revisions: mlo diff {old} {new.lstrip('.')}"
                    raise RequestError(
                        f"'{word}' is neither a path nor a revision", hint=hint
                    ) from None
                paths.append(relative(repo, Path(word)))
            else:
                revs.append(word)
            continue
        paths.append(relative(repo, Path(word)))
    return revs, paths
