"""`mlo runs`."""

import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.config import Settings
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
    from mlops_cli.runs.listing import Wanted, listing

    repo = repository()
    wanted = Wanted(status=status)
    found = listing(repo, wanted, sort=[sort] if sort else (), limit=None if every else limit)

    def tell(found: "Listing") -> None:
        by = sort.removeprefix("-") if sort else ""
        sorted_by = [by] if any(by in line.metrics for line in found.runs) else []
        _tell_list(found, metric or [], sorted_by, _gated(repo.settings))

    show.emit(found, as_json=as_json, text=tell)


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
    from mlops_cli.runs.remove import chosen, remove

    repo = repository()
    removed = chosen(repo, runs)
    remove(repo, removed)
    show.emit(removed, as_json=as_json, text=_tell_removed)


def _gated(settings: "Settings") -> set[str]:
    """Return the metrics that decide whether a model may be promoted."""
    stages = [stage for model in settings.models.values() for stage in model.stages.values()]
    return {gate.metric for stage in stages for gate in stage.gates}


def _tell_list(
    found: "Listing", chosen: Sequence[str], sorted_by: Sequence[str], gated: Collection[str]
) -> None:
    if not found.runs:
        show.note("no runs yet; try: mlo run")
        return
    title, told = _commands(found.runs)
    fixed = [
        (line.name, line.key, line.started[5:16].replace("T", " "), line.status, text)
        for line, text in zip(found.runs, told, strict=True)
    ]
    width = sum(max(len(row[i]) for row in [*fixed, _HEAD]) + 2 for i in range(4))
    wanted = [*sorted_by, *(name for name in chosen if name not in sorted_by)]
    kept = _COMMAND if title == "command" else min(max(map(len, told)), _PARAMETERS)
    names = wanted if chosen else _fitting(found.runs, _WIDTH - width - kept, wanted, gated)
    used = width + sum(_metric_width(name, found.runs) for name in names)
    room = max(_WIDTH - used, len(title))
    rows = [
        (*row[:4], *(_shown(line.metrics.get(name)) for name in names), _clip(row[4], room))
        for row, line in zip(fixed, found.runs, strict=True)
    ]
    show.table([*_HEAD, *names, title], rows)
    if found.total > len(found.runs):
        show.note(f"{found.total - len(found.runs)} more: mlo runs list --all")


_HEAD = ("run", "key", "began (UTC)", "status")
_COMMAND = 16
"""Columns that a command gets at least, before metrics are shown."""


_PARAMETERS = 32
"""Columns that parameters which differ get at most in exchange for metrics."""

_PIPELINE = "mlo run"


def _commands(lines: "Sequence[Line]") -> tuple[str, list[str]]:
    """Return what to tell of the runs' commands, and its title.

    Where all are runs of the pipeline, that is their steps and the parameters that differ.
    """
    if not all(f"{line.command} ".startswith(f"{_PIPELINE} ") for line in lines):
        return "command", [line.command for line in lines]
    names = sorted({name for line in lines for name in line.params})
    differing = [
        name
        for name in names
        if any(_given(line, name) != _given(lines[0], name) for line in lines)
    ]
    told = []
    for line in lines:
        steps = line.command.partition(" --set ")[0].removeprefix(_PIPELINE).split()
        told.append(" ".join([*steps, *(_given(line, name) for name in differing)]).strip())
    return (_PIPELINE, told) if any(told) else ("command", [line.command for line in lines])


def _given(line: "Line", name: str) -> str:
    return f"{name}={_shown(line.params[name])}" if name in line.params else ""


def _fitting(
    lines: "Sequence[Line]", room: int, wanted: Sequence[str], gated: Collection[str]
) -> list[str]:
    """Return the metrics `wanted`, then as many as there is room for: gated ones, then those that
    most runs have.
    """
    counts: dict[str, int] = {}
    for line in lines:
        for name in line.metrics:
            counts[name] = counts.get(name, 0) + 1
    room -= sum(_metric_width(name, lines) for name in wanted)
    chosen = []
    rest = counts.keys() - set(wanted)
    for name in sorted(rest, key=lambda name: (name not in gated, -counts[name], len(name), name)):
        width = _metric_width(name, lines)
        if width <= room:
            chosen.append(name)
            room -= width
    return [*wanted, *sorted(chosen)]


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
        ("by", f"{run.who.get('name')} on {run.host}"),
        ("commit", _commit(run)),
    ]
    for name, value in facts:
        if value:
            show.line(f"{name:<9}{value}", rest=" " * 9)
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
    if "metrics" in found.same:
        show.line("metrics: no difference")
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
