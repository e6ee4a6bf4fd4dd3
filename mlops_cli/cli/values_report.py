"""What `mlo params diff` and `mlo metrics diff` print."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.markdown import grid
from mlops_cli.cli.runs_list import clip, shown
from mlops_cli.page.markdown import code, escaped

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.runs.values_at import Change, Changes

_VALUE = 24  # columns of a value in a terminal
Revision = Annotated[
    str | None, typer.Argument(metavar="REV", help="Git revision (default: the work tree)")
]
Revisions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[REV] [REV]", help="Git revisions (default: HEAD, to the work tree)"),
]
EveryFlag = Annotated[bool, typer.Option("--all", help="Show also what is the same")]
MarkdownFlag = Annotated[
    bool, typer.Option("--md", "--markdown", help="Markdown, for a comment on a pull request")
]
ExitFlag = Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when something differs")]
Read = Callable[["Repository", str | None], Mapping[str, Any]]


def report(
    repo: "Repository",
    read: Read,
    revs: Sequence[str],
    *,
    title: str,
    judge: "Callable[[Repository, Changes], Changes] | None" = None,
    everything: bool = False,
    markdown: bool = False,
    as_json: bool = False,
    exit_code: bool = False,
) -> None:
    """Print how values differ: from HEAD or a revision to the work tree, or between revisions."""
    from mlops_cli.errors import RequestError
    from mlops_cli.runs.values_at import WORK_TREE, changes

    if len(revs) > 2:
        raise RequestError("more than two revisions", hint=f"mlo {title.lower()} diff main HEAD")
    if markdown and as_json:
        raise RequestError("one form of output at a time", hint="--md or --json")
    old, new = (*(revs or ["HEAD"]), None, None)[:2]
    found = changes(
        read(repo, old),
        read(repo, new),
        names=(old or WORK_TREE, new or WORK_TREE),
        everything=everything,
    )
    if judge is not None:
        found = judge(repo, found)

    def tell(found: "Changes") -> None:
        (_tell_markdown if markdown else _tell)(found, title)

    show.emit(found, as_json=as_json, text=tell)
    if exit_code and any(one.before != one.after for one in found.rows):
        raise typer.Exit(1)


def tell_values(values: Mapping[str, Any]) -> None:
    """Print names and values."""
    show.table(["name", "value"], [(name, shown(value)) for name, value in values.items()])


def _tell(found: "Changes", title: str) -> None:
    if not found.rows:
        show.line(f"{title.lower()}: no difference between {found.old} and {found.new}")
        return
    rows = [
        (
            one.name,
            clip(shown(one.before), _VALUE),
            clip(shown(one.after), _VALUE),
            _signed(one.difference),
            _word(one),
        )
        for one in found.rows
    ]
    _drawn(show.table, ["name", found.old, found.new, "change", ""], rows)


def _tell_markdown(found: "Changes", title: str) -> None:
    show.line(f"### {title}: {escaped(found.old)} to {escaped(found.new)}")
    show.line()
    if not found.rows:
        show.line("No difference.")
        return
    rows = [
        (
            code(one.name),
            escaped(shown(one.before)),
            escaped(shown(one.after)),
            _signed(one.difference),
            _word(one),
        )
        for one in found.rows
    ]
    _drawn(grid, ["name", escaped(found.old), escaped(found.new), "change", ""], rows)


def _drawn(
    draw: Callable[[Sequence[str], Sequence[Sequence[str]]], None],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> None:
    """Draw a table without the columns at the end that hold nothing."""
    count = len(columns)
    while count > 3 and not any(row[count - 1] for row in rows):
        count -= 1
    draw(columns[:count], [row[:count] for row in rows])


def _word(one: "Change") -> str:
    return "" if one.better is None else "better" if one.better else "worse"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.6g}"
