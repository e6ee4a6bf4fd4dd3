"""The metrics of a run as it logged them, read as a stream: there may be ten million points."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.runs import open_run
from mlops_cli.runs.record import Run

_PIECE = 256 * 1024


class Point(NamedTuple):
    """One number: `at` is the step it was logged with, else how many of its name came before."""

    metric: str
    at: int
    value: float
    time: float | None


def points(repo: Repository, run: Run, metrics: Sequence[str] = ()) -> Iterator[Point]:
    """Yield what a run logged in order, of the named metrics or of all.

    A metric that steps of the pipeline gave different values is named as in the record,
    `step.name`. When all are drawn the stored bytes have been checked.

    Raises:
        MissingObject, IntegrityError: as of `objects.stream`.
    """
    if run.history is None:
        return
    yield from _read(_lines(repo.objects.stream(run.history)), set(run.metrics), metrics)


def needed(repo: Repository, runs: Iterable[Run]) -> dict[ObjectId, str]:
    """Return the histories of runs that are not here, with what to call each."""
    return {
        run.history: f"what run '{run.name}' logged"
        for run in runs
        if run.history is not None and not repo.objects.has(run.history)
    }


def of_open(run: open_run.OpenRun, metrics: Sequence[str] = ()) -> Iterator[Point]:
    """Yield what a run that has not ended logged so far."""
    try:
        file = open(run.journal.path, "rb")  # noqa: SIM115  closed below
    except FileNotFoundError:
        return
    with file:
        yield from _read(_lines(iter(lambda: file.read(_PIECE), b"")), set(), metrics)


def samples(repo: Repository, oid: ObjectId, name: str) -> Iterator[tuple[float, float]]:
    """Yield what samples of the machine say of one thing, with the seconds since the first."""
    load = _loader()
    first: float | None = None
    for line in _lines(repo.objects.stream(oid)):
        held = load(line)
        time = held.get("time") if isinstance(held, dict) else None
        if not isinstance(time, int | float):
            continue
        first = time if first is None else first
        if isinstance(held.get(name), int | float):
            yield time - first, held[name]


def _read(lines: Iterator[bytes], recorded: set[str], metrics: Sequence[str]) -> Iterator[Point]:
    counts: dict[str, int] = {}
    load = _loader()
    likely = [json.dumps(name.rpartition(".")[2], ensure_ascii=False)[1:-1] for name in metrics]
    marks = tuple(name.encode("utf-8", "surrogateescape") for name in likely)
    wanted = set(metrics)
    for line in lines:
        if marks and not any(mark in line for mark in marks):
            continue
        held = load(line)
        values = held.get("metrics") if isinstance(held, dict) else None
        if not isinstance(values, dict) or held.get("result") is True:
            continue
        by, step, time = held.get("by"), held.get("step"), held.get("time")
        for metric, value in values.items():
            name = _name(metric, by, recorded)
            if wanted and name not in wanted:
                continue
            count = counts[name] = counts.get(name, -1) + 1
            yield Point(name, count if step is None else step, _real(value), time)


def _name(metric: str, by: str | None, recorded: set[str]) -> str:
    if metric in recorded or by is None:
        return metric
    longer = f"{by}.{metric}"
    return longer if longer in recorded else metric


def _real(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _loader() -> Callable[[bytes], Any]:
    import orjson

    def load(line: bytes) -> Any:
        try:
            return orjson.loads(line)
        except ValueError:
            return _slow(line)

    return load


def _slow(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
