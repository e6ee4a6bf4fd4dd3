"""`mlo runs`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.runs.compare import Comparison, Section
    from mlops_cli.runs.listing import Line, Listing
    from mlops_cli.runs.record import Run

app = typer.Typer(help="List, show and compare runs.")
_WIDTH = 80
_MAX_NAME = 28
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Name, id, key, 'last' or 'best:METRIC'")
]


@app.command("list")
def list_(
    sort: Annotated[
        str | None,
        typer.Option(help="Metric, parameter or column, highest first; -NAME lowest first"),
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="Only done, failed, interrupted, killed or running")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Show this metric (default: what fits)")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Show at most N")] = 20,
    every: Annotated[bool, typer.Option("--all", help="Show all")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    from mlops_cli.runs.listing import listing

    found = listing(repository(), sort=sort, status=status, limit=None if every else limit)
    show.emit(found, as_json=as_json, text=lambda found: _tell_list(found, metric or []))


@app.command("show")
def show_(
    run: RunArgument = "last",
    log: Annotated[bool, typer.Option("--log", help="Print what it printed, nothing else")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show one run: what it was made from and what came of it."""
    from mlops_cli.runs.find import resolve

    repo = repository()
    found = resolve(repo, run)
    if log:
        sys.stdout.flush()
        for piece in repo.objects.stream(found.log) if found.log else ():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    show.emit(found, as_json=as_json, text=_tell_run)


@app.command("compare")
def compare_(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="Runs (default: the last two)")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show also what is the same")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare runs: parameters, metrics, data, code and environment that differ."""
    from mlops_cli.runs.compare import compare

    found = compare(repository(), runs or [], everything=every)
    show.emit(found, as_json=as_json, text=_tell_comparison)


@app.command("rm")
def rm(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Runs")],
    as_json: JsonFlag = False,
) -> None:
    """Take runs off the list; what was registered from them stays traceable."""
    from mlops_cli.runs.remove import remove

    removed = remove(repository(), runs)
    show.emit(removed, as_json=as_json, text=_tell_removed)


def _tell_list(found: "Listing", chosen: Sequence[str]) -> None:
    if not found.runs:
        show.note("no runs yet; try: mlo run")
        return
    fixed = [
        (line.name, line.key, line.started[5:16].replace("T", " "), line.status, line.command)
        for line in found.runs
    ]
    width = sum(max(len(row[i]) for row in [*fixed, _HEAD]) + 2 for i in range(4))
    names = list(chosen) or _fitting(found.runs, _WIDTH - width - _COMMAND)
    used = width + sum(_metric_width(name, found.runs) for name in names)
    room = max(_WIDTH - used, len(_HEAD[4]))
    rows = [
        (*row[:4], *(_shown(line.metrics.get(name)) for name in names), _clip(row[4], room))
        for row, line in zip(fixed, found.runs, strict=True)
    ]
    show.table([*_HEAD[:4], *names, _HEAD[4]], rows)
    if found.total > len(found.runs):
        show.note(f"{found.total - len(found.runs)} more: mlo runs list --all")


_HEAD = ("run", "key", "began (UTC)", "status", "command")
_COMMAND = 16
"""Columns that a command gets at least, before metrics are shown."""


def _fitting(lines: "Sequence[Line]", room: int) -> list[str]:
    """Return the metrics that most runs have, as many as there is room for."""
    counts: dict[str, int] = {}
    for line in lines:
        for name in line.metrics:
            counts[name] = counts.get(name, 0) + 1
    chosen = []
    for name in sorted(counts, key=lambda name: (-counts[name], len(name), name)):
        width = _metric_width(name, lines)
        if width <= room:
            chosen.append(name)
            room -= width
    return sorted(chosen)


def _metric_width(name: str, lines: "Sequence[Line]") -> int:
    shown = [f"{_shown(line.metrics.get(name))}" for line in lines if name in line.metrics]
    return max(len(name), *(len(text) for text in shown), 0) + 2


def _tell_run(run: "Run") -> None:
    facts: list[tuple[str, Any]] = [
        ("run", f"{run.name}  {run.key}"),
        ("id", run.id),
        ("command", _line(run.command)),
        ("status", _status(run)),
        ("began", f"{run.started[:19].replace('T', ' ')} UTC, took {run.seconds:.1f} s"),
        ("by", f"{run.who.get('name')} <{run.who.get('email')}> on {run.host}"),
        ("commit", _commit(run)),
    ]
    for name, value in facts:
        if value:
            show.line(f"{name:<9}{value}")
    _pairs("parameters", run.params)
    _pairs("metrics", run.metrics)
    if run.steps:
        show.line("steps")
        rows = [(step.name, step.state, f"{step.seconds:.1f} s") for step in run.steps]
        show.table(["step", "state", "took"], rows, indent=2)
    for title, artifacts in (("inputs", run.inputs), ("outputs", run.outputs)):
        if artifacts:
            show.line(title)
            kept = [(one.path, one.oid[:10], one.kind) for one in artifacts]
            show.table(["path", "id", "kind"], kept, indent=2)
    if run.log:
        show.line(f"what it printed: mlo runs show {run.name} --log")


def _pairs(title: str, values: Any) -> None:
    if values:
        show.line(title)
        rows = [(name, _shown(value)) for name, value in values.items()]
        show.table(["name", "value"], rows, indent=2)


def _status(run: "Run") -> str:
    text = run.status if run.exit_code in (0, None) else f"{run.status}, exit code {run.exit_code}"
    return f"{text}: {run.error}" if run.error and run.error != run.status else text


def _commit(run: "Run") -> str:
    if run.code.commit is None:
        return ""
    changed = " with uncommitted changes" if run.code.dirty else ""
    return run.code.commit[:10] + (f" on {run.code.branch}" if run.code.branch else "") + changed


def _line(command: str | tuple[str, ...]) -> str:
    return command if isinstance(command, str) else " ".join(command)


def _tell_comparison(found: "Comparison") -> None:
    if not found.sections:
        show.line(f"{' and '.join(found.names)} do not differ")
        return
    for section in found.sections:
        show.line(section.title)
        _tell_section(section, found.names)


def _tell_section(section: "Section", names: Sequence[str]) -> None:
    with_difference = section.title == "metrics"
    columns = [section.title[:0] or "name", *names, *(["difference"] if with_difference else [])]
    left = min(max(len(row.name) for row in section.rows), _MAX_NAME)
    room = (_WIDTH - 2 - left - (12 if with_difference else 0)) // len(names) - 2
    rows = []
    for row in section.rows:
        values = [_clip(_shown(value), max(room, 8)) for value in row.values]
        difference = [_signed(row.difference)] if with_difference else []
        rows.append((_clip(row.name, left), *values, *difference))
    show.table(columns, rows, indent=2)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.6g}"


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _tell_removed(removed: "tuple[Run, ...]") -> None:
    for run in removed:
        show.line(f"removed {run.name}")
