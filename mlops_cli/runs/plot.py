"""Curves of runs: what they logged over time, and tables that their steps declare as plots."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from mlops_cli.core import canonical
from mlops_cli.core.config_steps import Plot
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.runs import history, open_run
from mlops_cli.runs.curve import POINTS, Curve
from mlops_cli.runs.find import resolve
from mlops_cli.runs.history import Point
from mlops_cli.runs.names import means
from mlops_cli.runs.record import Number, Run
from mlops_cli.runs.supply import supply

X = Literal["step", "time"]
_MOST_POINTS = 40_000
"""Of all curves together, so that a page of them stays small."""
_MAX_JSON = 64 * 1024 * 1024
_SYSTEM = (
    ("cpu", "system: busy processors", 1),
    ("memory", "system: memory, MiB", 2**20),
    ("read", "system: read from disk, MiB", 2**20),
    ("written", "system: written to disk, MiB", 2**20),
)


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: of `count` points those that show its form, sorted by where they are.

    `broken` of the points were no numbers or infinite, and are left out. `last` is the value that
    came last, None where there is none.
    """

    run: str
    label: str
    points: tuple[tuple[float, float], ...]
    count: int
    broken: int
    last: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves that are drawn together."""

    title: str
    x: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Charted:
    """What is known of a run that is plotted."""

    key: str
    name: str
    status: str
    started: str
    params: dict[str, Any]
    metrics: dict[str, Number]


@dataclass(frozen=True, slots=True)
class Plots:
    """Charts of some runs; `once` names metrics that were logged only once, which have no curve."""

    runs: tuple[Charted, ...]
    charts: tuple[Chart, ...]
    once: tuple[str, ...]


class _Source(NamedTuple):
    """A run to plot: one that is recorded, or one that goes on."""

    recorded: Run | None
    open: open_run.OpenRun | None

    @property
    def label(self) -> str:
        if self.recorded is not None:
            return self.recorded.name
        return "" if self.open is None else self.open.head.name


def plots(
    repo: Repository,
    references: Sequence[str],
    *,
    metrics: Sequence[str] = (),
    x: X = "step",
    system: bool = False,
    progress: Progress = SILENT,
) -> Plots:
    """Return the charts of some runs, of the named metrics and plots or of all.

    With `system` also what they took of the machine, over seconds. Of each curve some hundreds of
    points are kept, however many there were. What is not here is brought from the remote.

    Raises:
        RequestError: a reference fits no run, or no run has what is named.
        MissingObject, ExternalError, IntegrityError: as of `supply`.
    """
    sources = [_source(repo, text) for text in dict.fromkeys(references)]
    declared = {plot.path: plot for step in repo.settings.steps.values() for plot in step.plots}
    of_files = [path for path in declared if not metrics or path in metrics]
    of_metrics = [name for name in metrics if name not in declared]
    curves = bool(of_metrics) or not metrics
    needed, tables = _needed(repo, sources, of_files, curves=curves, system=system)
    supply(repo, needed | (tables if metrics else {}), wished=tables, progress=progress)
    labels = _labels(sources)
    found: dict[str, list[Series]] = {}
    if curves:
        for source, label in zip(sources, labels, strict=True):
            for name, curve in _curves(repo, source, of_metrics, x, len(sources)).items():
                found.setdefault(name, []).append(_series(label, label, curve))
    charts = [Chart(name, x, tuple(series)) for name, series in sorted(found.items())]
    once = [one.title for one in charts if all(series.count < 2 for series in one.series)]
    charts = [one for one in charts if one.title not in once or metrics]
    for path in of_files:
        charts += _declared(repo, declared[path], sources, labels)
    if system:
        charts += _system(repo, sources, labels)
    missing = [name for name in metrics if name not in {chart.title for chart in charts}]
    missing = [name for name in missing if name not in declared]
    if missing:
        raise _not_logged(repo, missing[0], sources, declared)
    return Plots(tuple(map(_charted, sources)), tuple(charts), tuple(once) if not metrics else ())


def _needed(
    repo: Repository,
    sources: Sequence[_Source],
    files: Sequence[str],
    *,
    curves: bool,
    system: bool,
) -> tuple[dict[ObjectId, str], dict[ObjectId, str]]:
    """Return what is drawn of runs, and the tables among their outputs, with what to call each."""
    runs = [source.recorded for source in sources if source.recorded is not None]
    needed = history.needed(repo, runs) if curves else {}
    if system:
        needed |= {run.samples: f"what run '{run.name}' took" for run in runs if run.samples}
    tables = {
        out.oid: f"'{out.path}' of run '{run.name}'"
        for run in runs
        for out in run.outputs
        if out.path in files
    }
    return needed, tables


def _not_logged(
    repo: Repository, name: str, sources: Sequence[_Source], declared: Iterable[str]
) -> RequestError:
    logged = {one for source in sources for one in _curves(repo, source, (), "step", len(sources))}
    known = ", ".join(sorted({*logged, *declared})[:8])
    hint = f"there are {known}" if known else "log it: mlo.log_metric(name, value, step)"
    return RequestError(f"none of these runs logged '{name}'", hint=hint)


def _source(repo: Repository, text: str) -> _Source:
    for run in open_run.each(repo):
        if means(text, run.head.key, run.head.name) and not run.seems_ended():
            return _Source(None, run)
    return _Source(resolve(repo, text), None)


def _labels(sources: Sequence[_Source]) -> list[str]:
    names = [source.label for source in sources]
    return [
        name if names.count(name) == 1 else f"{name} {_charted(source).key}"
        for name, source in zip(names, sources, strict=True)
    ]


def _charted(source: _Source) -> Charted:
    if source.recorded is not None:
        run = source.recorded
        return Charted(
            run.key, run.name, run.status, run.started, dict(run.params), dict(run.metrics)
        )
    if source.open is None:
        raise AssertionError("a source has one of both")
    head = source.open.head
    return Charted(head.key, head.name, "running", head.started, dict(head.params), {})


def _curves(
    repo: Repository, source: _Source, metrics: Sequence[str], x: X, runs: int
) -> dict[str, Curve]:
    points: Iterator[Point] = iter(())
    if source.recorded is not None:
        points = history.points(repo, source.recorded, metrics)
    elif source.open is not None:
        points = history.of_open(source.open, metrics)
    curves: dict[str, Curve] = {}
    kept = max(50, min(POINTS, _MOST_POINTS // runs // 4))
    first: float | None = None
    for point in points:
        curve = curves.get(point.metric)
        if curve is None:
            curve = curves[point.metric] = Curve(kept)
        if x == "step":
            curve.add(point.at, point.value)
        elif point.time is not None:
            first = point.time if first is None else first
            curve.add(point.time - first, point.value)
    return _thinned(curves, runs)


def _thinned(curves: dict[str, Curve], runs: int) -> dict[str, Curve]:
    """Return the curves, with fewer points each where there are very many of them."""
    kept = max(20, _MOST_POINTS // max(1, runs * len(curves)))
    if kept >= POINTS:
        return curves
    for curve in curves.values():
        curve.thin(kept)
    return curves


def _system(repo: Repository, sources: Sequence[_Source], labels: Sequence[str]) -> Iterator[Chart]:
    """Yield a chart of each thing that runs took of the machine while they went on."""
    for name, title, unit in _SYSTEM:
        series = []
        for source, label in zip(sources, labels, strict=True):
            samples = source.recorded.samples if source.recorded is not None else None
            if samples is not None and repo.objects.has(samples):
                curve = Curve(POINTS)
                for at, value in history.samples(repo, samples, name):
                    curve.add(at, value / unit)
                series.append(_series(label, label, curve))
        if any(one.count > 1 for one in series):
            yield Chart(title, "seconds", tuple(series))


def _series(run: str, label: str, curve: Curve) -> Series:
    last = None if curve.last is None else curve.last[1]
    return Series(run, label, tuple(curve.points()), curve.count, curve.broken, last)


def _declared(
    repo: Repository, plot: Plot, sources: Sequence[_Source], labels: Sequence[str]
) -> Iterator[Chart]:
    """Yield the chart of a table that a step declares, if a run has it."""
    series: list[Series] = []
    x = plot.x or "row"
    for source, label in zip(sources, labels, strict=True):
        made = source.recorded.output(plot.path) if source.recorded is not None else None
        if made is None or made.kind != "file" or not repo.objects.has(made.oid):
            continue
        for name, curve in _table(repo, plot, made.oid).items():
            more = "" if len(plot.y) == 1 else f" {name}"
            series.append(_series(label, f"{label}{more}", curve))
    if series:
        yield Chart(plot.title or plot.path, x, tuple(series))


def _table(repo: Repository, plot: Plot, oid: ObjectId) -> dict[str, Curve]:
    """Return a curve for each column of a table that holds numbers, or that the plot names."""
    curves: dict[str, Curve] = {}
    for number, row in enumerate(_rows(repo, plot, oid)):
        at = _number(row.get(plot.x)) if plot.x is not None else None
        for name in plot.y or row:
            value = _number(row.get(name))
            if name != plot.x and value is not None:
                curve = curves.setdefault(str(name), Curve())
                curve.add(number if at is None else at, value)
    return curves


def _rows(repo: Repository, plot: Plot, oid: ObjectId) -> Iterator[dict[str, Any]]:
    suffix = plot.path.rpartition(".")[2].lower()
    if suffix in ("json", "jsonl", "ndjson"):
        yield from _json_rows(repo, plot.path, oid, lines=suffix != "json")
        return
    raw = io.BufferedReader(_Stream(repo.objects.stream(oid)))
    text = io.TextIOWrapper(raw, "utf-8", "replace", newline="")
    try:
        yield from csv.DictReader(text, delimiter="\t" if suffix == "tsv" else ",")
    except csv.Error as error:
        raise RequestError(f"the plot '{plot.path}' is no table: {error}") from error


def _json_rows(
    repo: Repository, path: str, oid: ObjectId, *, lines: bool
) -> Iterator[dict[str, Any]]:
    if repo.objects.size(oid) > _MAX_JSON:
        raise RequestError(f"the plot '{path}' is larger than 64 MiB", hint="write it as CSV")
    data = repo.objects.get(oid)
    try:
        held = (
            [json.loads(one) for one in data.splitlines() if one.strip()]
            if lines
            else (canonical.decode(data))
        )
    except (IntegrityError, ValueError) as error:
        raise RequestError(f"the plot '{path}' is not valid JSON") from error
    while isinstance(held, dict) and len(held) == 1:
        (held,) = held.values()
    if isinstance(held, dict) and all(isinstance(column, list) for column in held.values()):
        length = max(map(len, held.values()), default=0)
        for at in range(length):
            yield {name: column[at] for name, column in held.items() if at < len(column)}
    elif isinstance(held, list):
        yield from (one if isinstance(one, dict) else {"value": one} for one in held)
    else:
        raise RequestError(
            f"the plot '{path}' is no table", hint='[{"x": 1, "y": 2}] or {"x": [1], "y": [2]}'
        )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else math.nan


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file to read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next; return how much, 0 at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
