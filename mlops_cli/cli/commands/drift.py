"""`mlo drift`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository, repository_if_any
from mlops_cli.cli.options import JsonFlag, LastOption, SinceOption, UntilOption
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.monitor.live import Checked

_BINS = 24
"""Of the shapes of numbers on a page; a terminal has room for fewer."""


def drift(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL[@REF] | REFERENCE CURRENT]",
            help="The model; a bare name means the version that answered last. Or two tables",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="PATH[@REV]", help="A table to compare with, instead of the training data"
        ),
    ] = None,
    current: Annotated[
        str | None,
        typer.Option(metavar="PATH[@REV]", help="A table to look at, instead of what was asked"),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    window: Annotated[
        str | None,
        typer.Option(metavar="WIDTH", help="Look at windows, so wide: 1h, 1d, 7d, or 10000 rows"),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="With --window: says when a row of a table was"),
    ] = None,
    segment: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Look at each value of a column apart")
    ] = None,
    predictions: Annotated[
        bool | None,
        typer.Option(
            "--predictions/--no-predictions",
            help="Look at the answers too (default: if there are some for held-out data)",
            show_default=False,
        ),
    ] = None,
    multivariate: Annotated[
        bool, typer.Option("--multivariate", help="Look at the columns together too, for seconds")
    ] = False,
    importance: Annotated[
        bool,
        typer.Option("--importance", help="Find out what the model makes of each column"),
    ] = False,
    tests: Annotated[
        Literal["deciding", "all"], typer.Option(help="Tell also of tests that decide nothing")
    ] = "deciding",
    approx: Annotated[
        bool, typer.Option("--approx", help="Estimate large tables, in far less memory")
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Sum versions of tables on a cluster, estimated: dask://HOST:PORT"
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List every column")] = False,
    markdown: Annotated[
        bool, typer.Option("--md", "--markdown", help="Markdown, for a comment on a pull request")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page of HTML to this file too")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare live data with the data a model was trained on.

    Each column is tested, numbers by Anderson-Darling and categories by chi-square. One has
    drifted when the difference is significant for this many tests and large enough to matter;
    .mlops.yaml sets the bounds under drift. Exits with 1 when a column has drifted or cannot be
    compared, with 0 when there are too few rows to tell, and with 4 when damage of the prediction
    log left too few. Without a model, compares two tables that are named: files, folders of files
    or patterns in quotes, which need no repository, or versions of such (PATH@REV). The change
    shown is that of the median unless it says of what.

    With --window a column has drifted when it has in some windows in a row. With --segment each
    value of a column is held against the same value of the reference.
    """
    from datetime import UTC, datetime

    from mlops_cli.monitor import live
    from mlops_cli.monitor.numeric import Asked
    from mlops_cli.monitor.span import Span

    show.one_form(as_json=as_json, markdown=markdown)
    now = datetime.now(UTC)
    span = Span.told(since, until, last, now=now)
    repo = _around(what or [reference, current], engine)
    model, reference, current = _meant(repo, what or [], reference, current)
    found = live.check(
        repo,
        model,
        reference=reference,
        current=current,
        span=span,
        start=Path.cwd(),
        window=window,
        time=time,
        segment=segment,
        predictions=predictions,
        multivariate=multivariate,
        importance=importance,
        asked=Asked(bins=_BINS if html else Asked().bins, every=tests == "all"),
        approx=approx,
        engine=None if engine == "local" else engine,
        progress=show.progress(),
    )
    if html is not None:
        from mlops_cli.monitor.report.drift import page

        _write(html, page(found, when=now))
    _print(found, as_json=as_json, markdown=markdown, every=every)
    if not found.holds:
        raise typer.Exit(1)


def _around(what: Sequence[str | None], engine: str | None) -> "Repository | None":
    """Return the repository; two files need none."""
    two = len(what) == 2 and None not in what
    return repository_if_any() if two and engine in (None, "local") else repository()


def _meant(
    repo: "Repository | None", what: Sequence[str], reference: str | None, current: str | None
) -> tuple[str | None, str | None, str | None]:
    """Return the model, the reference and the current table that the arguments name."""
    from mlops_cli.registry import models

    if len(what) > 2:
        files = all(map(_is_there, what))
        raise RequestError(
            f"{len(what)} names were given",
            hint="files of one table are named by a folder, or by a pattern in quotes"
            if files
            else "a model, or two tables: REFERENCE CURRENT",
        )
    if not what:
        return None, reference, current
    is_model = repo is not None and what[0].partition("@")[0] in models.names(repo)
    if len(what) == 1:
        if not is_model and _is_there(what[0]):
            path = what[0].rpartition("@")[0] or what[0]
            raise RequestError(
                f"'{what[0]}' is a table, and one alone cannot be compared",
                hint=f"mlo drift REFERENCE CURRENT, as: mlo drift {path}@HEAD {path}",
            )
        return what[0], reference, current
    if is_model and current is None:
        return what[0], reference, what[1]
    if reference is not None or current is not None:
        raise RequestError(
            "two tables were named, and one more by an option",
            hint="mlo drift REFERENCE CURRENT, without --reference and --current",
        )
    return None, what[0], what[1]


def _is_there(text: str) -> bool:
    """Return whether a name is a path, with or without a revision."""
    return any(path and (Path.cwd() / path).exists() for path in (text, text.rpartition("@")[0]))


def _print(found: "Checked", *, as_json: bool, markdown: bool, every: bool) -> None:
    from mlops_cli.cli import drift_report

    if markdown and not as_json:
        from mlops_cli.monitor.report import drift_markdown

        for line in drift_markdown.lines(found):
            show.line(line)
        return
    held = _flat(found) if as_json else None
    show.emit(held, as_json=as_json, text=lambda _: drift_report.tell(found, every=every))


def _flat(found: "Checked") -> dict[str, Any]:
    """Return what was compared beside what came out, without a level between."""
    held = show.plain(found)
    report = held.pop("report")
    return {**report, **held, "holds": found.holds}


def _write(path: Path, text: str) -> None:
    from mlops_cli.core.files import write_whole

    data = text.encode()
    write_whole(path, data)
    show.note(f"wrote {path}, {show.size(len(data))}")
