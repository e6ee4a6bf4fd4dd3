"""`mlo runs`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import runs_compare, runs_list, runs_show, show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.expression import Expression
    from mlops_cli.core.repository import Repository
    from mlops_cli.runs.listing import Listing
    from mlops_cli.runs.record import Run

_NAMED = 8
app = typer.Typer(help="List, show, compare, plot and keep runs.")
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Name, id, key, 'last' or 'best:METRIC'")
]
RunArguments = Annotated[
    list[str] | None, typer.Argument(metavar="RUN", help="Names, ids, 'last' or 'best:METRIC'")
]
FilterOption = Annotated[
    str | None,
    typer.Option("--filter", "-f", help="Condition, as 'metrics.auc > 0.9 and params.depth <= 6'"),
]


@app.command("list")
def list_(
    condition: FilterOption = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(help="Metric, parameter or column, highest first; -NAME lowest first"),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Show these only, as name,auc,params.depth,tags.team")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only with this tag, or TAG=VALUE")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only begun since, as 2d or 2026-01-31 (UTC)")
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="Only done, failed, interrupted, killed or running")
    ] = None,
    children: Annotated[
        bool, typer.Option("--children", help="Show child runs below their parents")
    ] = False,
    removed: Annotated[
        bool, typer.Option("--removed", help="List the runs that were removed instead")
    ] = False,
    metric: Annotated[
        list[str] | None, typer.Option(help="Show this metric (default: what fits)")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Show at most N")] = 20,
    every: Annotated[bool, typer.Option("--all", help="Show all")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List runs, newest first.

    A condition compares metrics, parameters, tags and columns: == != < <= > >=, in (...), like
    'a%', ~ 'regular expression', and, or, not. Child runs, such as the trials of a sweep, are left
    out unless there is a condition or an order.
    """
    from mlops_cli.runs.listing import Wanted, listing

    repo = repository()
    beside = condition is not None or bool(sort) or bool(tag) or removed
    wanted = Wanted(
        filter=_parsed(condition),
        status=status,
        tags=tag or (),
        since=_moment(since),
        removed=removed,
        children="below" if children else "beside" if beside else "hidden",
    )
    chosen = [name.strip() for name in (columns or "").split(",") if name.strip()]
    found = listing(repo, wanted, sort=sort or (), limit=None if every else limit, columns=chosen)

    def tell(found: "Listing") -> None:
        runs_list.tell_unreadable(found)
        if not found.runs:
            any_here = bool(listing(repo, limit=1).total)
            runs_list.tell_none(any_here=any_here, remotes=bool(repo.settings.remotes))
        if chosen:
            runs_list.tell_columns(found, chosen)
        elif found.runs:
            named = _metrics_named(found, sort or (), wanted.filter)
            runs_list.tell(found, metric or [], named, runs_list.gated(repo.settings))

    show.emit(found, as_json=as_json, text=tell)


@app.command("show")
def show_(
    run: RunArgument = "last",
    log: Annotated[bool, typer.Option("--log", help="Print what it printed, nothing else")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show one run: what it was made from and what came of it."""
    from mlops_cli.runs.standing import standing
    from mlops_cli.runs.supply import supply

    repo = repository()
    found = _resolved(repo, run)
    if log:
        if found.log:
            supply(repo, {found.log: f"the log of run '{found.name}'"}, progress=show.progress())
        sys.stdout.flush()
        for piece in repo.objects.stream(found.log) if found.log else ():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    if as_json:
        held = standing(repo, found)
        more = show.plain(held)
        show.emit({**more.pop("run"), **more}, as_json=True, text=print)
        return
    runs_show.tell(standing(repo, found))


@app.command("compare")
def compare_(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="Runs (default: the last two)")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show also what is the same")] = False,
    patch: Annotated[
        bool, typer.Option("--patch", "-p", help="Print how the code differs, as a patch")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare runs: parameters, metrics, data, code and environment that differ."""
    from mlops_cli.runs.compare import compare

    found = compare(repository(), runs or [], everything=every, patch=patch)
    show.emit(found, as_json=as_json, text=runs_compare.tell)


@app.command("plot")
def plot_(
    runs: RunArguments = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", "-m", help="Only this metric, or plot's path")
    ] = None,
    time: Annotated[bool, typer.Option("--time", help="Draw over time, not over steps")] = False,
    system: Annotated[
        bool, typer.Option("--system", help="Draw also what runs took of the machine")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page of HTML to this file instead")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Draw what runs logged over time, and the tables that steps declare as plots."""
    from mlops_cli.cli import plot_text
    from mlops_cli.core.files import write_whole
    from mlops_cli.runs.plot import X, plots

    repo = repository()
    references = [_named(repo, text) for text in runs or ["last"]]
    x: X = "time" if time else "step"
    found = plots(
        repo, references, metrics=metric or (), x=x, system=system, progress=show.progress()
    )
    if html is None:
        show.emit(found, as_json=as_json, text=plot_text.tell)
        return
    from mlops_cli.runs.plot_html import page

    title = ", ".join(run.name for run in found.runs[:4]) + (", ..." if found.runs[4:] else "")
    text = page(found, title=title)
    write_whole(html, text.encode())
    show.note(f"wrote {html}, {show.size(len(text))}")


@app.command("export")
def export_(
    runs: RunArguments = None,
    condition: FilterOption = None,
    history: Annotated[
        bool, typer.Option("--history", help="All that was logged over time, a point a row")
    ] = False,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", "-m", help="Only this metric, with --history")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="csv, json or parquet (default: by FILE, or csv)")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here, not to stdout"),
    ] = None,
) -> None:
    """Write runs as a table: all, some, or those that a condition holds for."""
    from mlops_cli.errors import RequestError
    from mlops_cli.runs import export
    from mlops_cli.runs.listing import Wanted, lines_of

    repo = repository()
    kind = export.form_of(output, form)
    if output is None and kind == "parquet" and sys.stdout.isatty():
        raise RequestError("a Parquet file is nothing for a terminal", hint="--output runs.parquet")
    lines = lines_of(repo, Wanted(filter=_parsed(condition)), runs)
    if history:
        columns, rows = export.points(repo, lines, metric or (), progress=show.progress())
    else:
        columns, rows = export.runs(lines)
    sys.stdout.flush()
    count = export.write(columns, rows, kind, output or sys.stdout.buffer)
    if output is not None:
        show.note(f"wrote {output}, {show.number(count, 'row')}")


@app.command("rm")
def rm(
    runs: RunArguments = None,
    condition: FilterOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also those that a model was registered from")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Put removed runs back on the list")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take runs off the list; what was registered from them stays traceable.

    Once pushed they are off the list in other clones too. `mlo gc` drops their bytes.
    """
    from mlops_cli.errors import RequestError
    from mlops_cli.runs import remove

    repo = repository()
    if bool(runs) == bool(condition):
        raise RequestError("name runs, or a condition", hint="mlo runs rm RUN, or --filter EXPR")
    if restore:
        back = remove.put_back(repo, runs or ())
        show.emit(back, as_json=as_json, text=lambda back: _tell_runs("put back", back))
        return
    chosen = _chosen(repo, runs or [], condition)
    if not chosen:
        show.note("no run matches")
    elif condition is not None and not yes:
        _ask(f"remove {_counted(chosen)}?")
    remove.remove(repo, chosen, kept=() if force else _registered(repo))
    show.emit(chosen, as_json=as_json, text=lambda gone: _tell_runs("removed", gone))


@app.command("tag")
def tag_(
    run: RunArgument,
    tags: Annotated[list[str], typer.Argument(metavar="TAG", help="Tags, as baseline or team=x")],
    delete: Annotated[bool, typer.Option("--delete", "-d", help="Take the tags away")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a run tags; they travel with push."""
    from mlops_cli.runs import said

    repo = repository()
    found = _resolved(repo, run)
    changes = {name: None if delete else value for name, value in said.parsed(tags).items()}
    said.tag(repo, [found], changes)
    _tell_said(repo, found, "untagged" if delete else "tagged", as_json=as_json)


@app.command("note")
def note_(
    run: RunArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note; '' takes it away")],
    as_json: JsonFlag = False,
) -> None:
    """Write a note to a run, in place of the one it has; it travels with push."""
    from mlops_cli.runs import said

    repo = repository()
    found = _resolved(repo, run)
    said.note(repo, found, text)
    _tell_said(repo, found, "noted on", as_json=as_json)


@app.command("restore")
def restore_(
    run: RunArgument,
    branch: Annotated[str, typer.Option("--branch", "-b", help="Name of the branch to make")],
    checkout: Annotated[bool, typer.Option("--checkout", help="Check the branch out")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Bring back the code and parameters of a run as a git branch.

    Its outputs are in the branch's mlo.lock, from which `mlo checkout` brings them back. The work
    tree stays as it is without --checkout.
    """
    from mlops_cli.runs.restore import restore

    repo = repository()
    found = restore(repo, _resolved(repo, run), branch, checkout=checkout)
    show.emit(found, as_json=as_json, text=runs_show.tell_restored)


def _metrics_named(
    found: "Listing", sort: Sequence[str], condition: "Expression | None"
) -> list[str]:
    """Return the metrics of the runs that an order and a condition speak of."""
    names = [name.strip().removeprefix("-") for one in sort for name in one.split(",")]
    names += [] if condition is None else condition.names
    names = list(dict.fromkeys(name.removeprefix("metrics.") for name in names))
    return [name for name in names if any(name in line.metrics for line in found.runs)]


def _parsed(condition: str | None) -> "Expression | None":
    from mlops_cli.core.expression import parse

    return None if condition is None else parse(condition, where="--filter")


def _moment(since: str | None) -> str | None:
    from datetime import UTC, datetime

    from mlops_cli.cli.since import moment

    return None if since is None else moment(since, datetime.now(UTC))


def _resolved(repo: "Repository", text: str) -> "Run":
    """Return the run that a text means; say what was taken for the best."""
    from mlops_cli.runs.find import meaning, resolve

    found = resolve(repo, text)
    told = meaning(repo, text)
    if told is not None:
        show.note(told)
    return found


def _named(repo: "Repository", text: str) -> str:
    """Return a name that means a run, also one that goes on; say what was taken for the best."""
    return _resolved(repo, text).id if text.startswith("best:") else text


def _chosen(repo: "Repository", runs: list[str], condition: str | None) -> "tuple[Run, ...]":
    from mlops_cli.runs.listing import Wanted, matching
    from mlops_cli.runs.record import Run
    from mlops_cli.runs.remove import chosen

    if condition is None:
        return chosen(repo, runs)
    found = matching(repo, Wanted(filter=_parsed(condition)))
    return tuple(Run.read(repo, oid) for oid in found)


def _registered(repo: "Repository") -> set[str]:
    """Return the ids of the runs that model versions were registered from."""
    from mlops_cli.registry import models

    return {
        str(version.run)
        for name in models.names(repo)
        for version in models.model(repo, name).versions
    }


def _ask(question: str) -> None:
    """Ask on a terminal, and end if the answer is not yes; elsewhere nobody is asked."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        typer.confirm(question, abort=True, err=True)


def _counted(runs: "Sequence[Run]") -> str:
    """Return how many runs there are, and the names of the first."""
    names = ", ".join(run.name for run in runs[:_NAMED]) + (", ..." if runs[_NAMED:] else "")
    return f"{show.number(len(runs), 'run')} ({names})"


def _tell_said(repo: "Repository", run: "Run", what: str, *, as_json: bool) -> None:
    from mlops_cli.runs.standing import standing

    held = standing(repo, run)
    said = {"key": run.key, "name": run.name, "tags": held.tags, "note": held.note}
    show.emit(said, as_json=as_json, text=lambda _: show.line(f"{what} {run.name}"))


def _tell_runs(what: str, runs: "tuple[Run, ...]") -> None:
    for run in runs:
        show.line(f"{what} {run.name}")
