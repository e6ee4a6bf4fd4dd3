"""`mlo runs`: what was run, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.runs.compare import Comparison, Row
    from mlops_cli.runs.listing import Listed
    from mlops_cli.runs.record import Run

app = typer.Typer(help="List, show and compare runs")

_COLUMNS = 4
"""So many metrics fit beside the rest at 80 columns."""

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Id, name, last, or best:METRIC (best:-METRIC)")
]
_STATUSES = ("running", "done", "failed", "interrupted", "killed")


@app.command("list")
def list_(
    sort: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Largest first; -METRIC: smallest first")
    ] = None,
    status: Annotated[
        str | None, typer.Option(help=f"Only runs that are one of {', '.join(_STATUSES)}")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    from mlops_cli.errors import RequestError
    from mlops_cli.runs.listing import listed

    if status is not None and status not in _STATUSES:
        raise RequestError(f"no run is ever '{status}'", hint=f"one of {', '.join(_STATUSES)}")
    found = listed(repository(), sort=sort, status=status, limit=limit)
    show.emit(found, as_json=as_json, text=lambda runs: _list(runs, sort))


def _list(runs: "Sequence[Listed]", sort: str | None) -> None:
    if not runs:
        show.note("there is no run yet; try: mlo run")
        return
    metrics = _most_common([run.metrics for run in runs], first=(sort or "").removeprefix("-"))
    params = _varying([run.params for run in runs])[: max(0, _COLUMNS - len(metrics)) + 1]
    rows = [
        [
            (run.id or run.key)[:10],
            run.name,
            run.started[5:16].replace("T", " "),
            _status(run.status),
            *[_short(run.metrics.get(name)) for name in metrics],
            *[_short(run.params.get(name)) for name in params],
        ]
        for run in runs
    ]
    show.table(["run", "name", "when (UTC)", "status", *metrics, *params], rows)


def _most_common(found: Sequence[Mapping[str, Any]], *, first: str) -> list[str]:
    counts: dict[str, int] = {}
    for metrics in found:
        for name in metrics:
            counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts, key=lambda name: (name != first, -counts[name], name))
    return ordered[:_COLUMNS]


def _varying(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names whose values differ between those that have them."""
    names = sorted({name for params in found for name in params})
    return [name for name in names if len({repr(one[name]) for one in found if name in one}) > 1]


def _status(status: str) -> str:
    colours = {"done": "green", "running": "blue"}
    return show.style(status, colours.get(status, "red"))


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


@app.command("show")
def show_(run: RunArgument = "last", as_json: JsonFlag = False) -> None:
    """Show all that is recorded of a run."""
    from mlops_cli.runs.find import resolve

    show.emit(resolve(repository(), run), as_json=as_json, text=_show)


def _show(run: "Run") -> None:
    command = run.command if isinstance(run.command, str) else " ".join(run.command)
    show.line(f"run {run.id}")
    show.line(f"{run.name}  {_status(run.status)}  {run.started[:19]}Z  {run.seconds:.1f} s")
    show.line(f"  command  {command}")
    show.line(f"  by       {run.who.get('name', '')} on {run.host}")
    if run.error:
        show.line(f"  error    {run.error}")
    code = run.code.commit[:10] if run.code.commit else "no commit"
    more = " with uncommitted changes" if run.code.dirty else ""
    show.line(f"  code     {code}{more}")
    if run.steps:
        show.line("")
        show.table(
            ["step", "state", "seconds"],
            [[step.name, step.state, round(step.seconds, 2)] for step in run.steps],
        )
    for title, values in (("parameter", run.params), ("metric", run.metrics)):
        if values:
            show.line("")
            show.table([title, "value"], [[name, values[name]] for name in sorted(values)])
    for title, artifacts in (("input", run.inputs), ("output", run.outputs)):
        if artifacts:
            show.line("")
            rows = [[one.path, one.oid[:10], show.size(one.size)] for one in artifacts]
            show.table([title, "version", "size"], rows)


@app.command("compare")
def compare(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="Runs (default: the last two)")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show what they have in common too")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what differs between runs: parameters, metrics, data, code and environment."""
    from mlops_cli.runs import compare as comparing
    from mlops_cli.runs.find import resolve
    from mlops_cli.runs.listing import listed

    repo = repository()
    named: list[str] = list(runs or [])
    if not named:
        newest = [run.id for run in listed(repo, limit=20) if run.id][:2]
        named = [str(oid) for oid in reversed(newest)]
    elif len(named) == 1:
        named = [*named, "last"]
    found = comparing.compare(repo, [resolve(repo, name) for name in named], everything=everything)
    show.emit(found, as_json=as_json, text=_compare)


def _compare(found: "Comparison") -> None:
    header = [f"{oid[:10]} {name}" for oid, name in zip(found.runs, found.names, strict=True)]
    parts = {
        "parameter": found.params,
        "metric": found.metrics,
        "data": found.data,
        "code": found.code,
        "environment": found.environment,
    }
    show.line("  ".join(header))
    if not any(parts.values()):
        show.line("the runs do not differ")
    for title, rows in parts.items():
        if rows:
            show.line("")
            _rows(title, rows, found.names)


def _rows(title: str, rows: "Sequence[Row]", names: Sequence[str]) -> None:
    columns = [title, *names]
    with_change = title == "metric" and len(names) == 2
    if with_change:
        columns.append("change")
    cells: list[list[Any]] = []
    for row in rows:
        line = [row.name, *[_short(value) for value in row.values]]
        if with_change:
            line.append("" if row.change is None else f"{row.change:+.4g}")
        cells.append(line)
    show.table(columns, cells)


@app.command("rm")
def remove(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Runs to remove")],
    as_json: JsonFlag = False,
) -> None:
    """Remove runs from the lists of this clone."""
    from mlops_cli.runs.find import resolve
    from mlops_cli.runs.remove import remove as hide

    repo = repository()
    found = [resolve(repo, name) for name in runs]
    hide(repo, found)
    show.emit(
        [run.id for run in found],
        as_json=as_json,
        text=lambda ids: show.line("\n".join(f"removed {oid[:10]}" for oid in ids)),
    )
