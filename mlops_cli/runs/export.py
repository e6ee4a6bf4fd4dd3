"""Runs as a table for other programs: CSV, JSON or Parquet, written as it is read."""

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from mlops_cli.core.files import outside
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import history
from mlops_cli.runs.listing import Line
from mlops_cli.runs.record import Run
from mlops_cli.runs.supply import supply

Form = Literal["csv", "json", "parquet"]
FORMS: tuple[Form, ...] = ("csv", "json", "parquet")
_LEFT = ("metrics", "params", "tags", "children", "depth")
_FIXED = tuple(field.name for field in fields(Line) if field.name not in _LEFT)
_AT_ONCE = 50_000
_HISTORY = {"run": str, "name": str, "metric": str, "step": int, "time": float, "value": float}
Row = Mapping[str, Any]


def form_of(path: Path | None, asked: str | None) -> Form:
    """Return the form that is asked for, or that a file's name tells; CSV if neither does.

    Raises:
        RequestError: there is no such form.
    """
    text = asked or (path.suffix.lower().lstrip(".") if path is not None else "") or "csv"
    for form in FORMS:
        if form == text:
            return form
    where = "--format" if asked else f"the name '{path}' ends in '.{text}':"
    raise RequestError(
        f"{where} {text} is no form of a table", hint=f"--format, one of: {', '.join(FORMS)}"
    )


def runs(lines: Sequence[Line]) -> tuple[dict[str, type], Iterator[Row]]:
    """Return the columns of a table of runs, with their types, and its rows."""
    columns: dict[str, type] = dict.fromkeys(_FIXED, str)
    columns |= {"seconds": float, "exit_code": int, "reproduced": bool, "tags": str}
    for name in sorted({name for line in lines for name in line.params}):
        columns[f"params.{name}"] = _kind(line.params.get(name) for line in lines)
    for name in sorted({name for line in lines for name in line.metrics}):
        columns[f"metrics.{name}"] = float
    return columns, map(_row, lines)


def points(
    repo: Repository,
    chosen: Iterable[Line],
    metrics: Sequence[str],
    *,
    progress: Progress = SILENT,
) -> tuple[dict[str, type], Iterator[Row]]:
    """Return the columns of a table of all that runs logged over time, and its rows.

    What is not here is brought from the remote first.

    Raises:
        MissingObject, ExternalError, IntegrityError: as of `supply`.
    """
    ids = [line.id for line in chosen if line.id is not None]
    supply(repo, history.needed(repo, (Run.read(repo, oid) for oid in ids)), progress=progress)

    def rows() -> Iterator[Row]:
        for oid in ids:
            run = Run.read(repo, oid)
            for point in history.points(repo, run, metrics):
                yield {
                    "run": run.key,
                    "name": run.name,
                    "metric": point.metric,
                    "step": point.at,
                    "time": point.time,
                    "value": point.value,
                }

    return dict(_HISTORY), rows()


def write(
    columns: Mapping[str, type], rows: Iterable[Row], form: Form, target: Path | IO[bytes]
) -> int:
    """Write a table to a file, which appears whole or not at all, or to a stream; return its rows.

    Raises:
        RequestError: a Parquet file is asked for, and pyarrow is not installed.
        ExternalError: the disk refuses.
    """
    writer: Callable[..., int] = {"csv": _csv, "json": _json, "parquet": _parquet}[form]
    opened = _whole(target) if isinstance(target, Path) else _as_it_is(target)
    with opened as file:
        return writer(columns, rows, file)


@contextmanager
def _as_it_is(file: IO[bytes]) -> Iterator[IO[bytes]]:
    yield file
    file.flush()


def _whole(path: Path) -> AbstractContextManager[IO[bytes]]:
    @contextmanager
    def opened() -> Iterator[IO[bytes]]:
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                yield file
            os.replace(part, path)
        except OSError as error:
            raise outside(error, path) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    return opened()


def _row(line: Line) -> Row:
    row = {name: getattr(line, name) for name in _FIXED}
    row["tags"] = " ".join(f"{k}={v}" if v else k for k, v in line.tags.items()) or None
    row.update((f"params.{name}", value) for name, value in line.params.items())
    row.update((f"metrics.{name}", float(value)) for name, value in line.metrics.items())
    return row


def _kind(values: Iterable[Any]) -> type:
    """Return the one type of all values that there are; text where there are several."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return float
    return kinds.pop() if len(kinds) == 1 and kinds <= {int, float, bool, str} else str


def _csv(columns: Mapping[str, type], rows: Iterable[Row], file: IO[bytes]) -> int:
    text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        count = 0
        for row in rows:
            writer.writerow([_cell(row.get(name)) for name in columns])
            count += 1
        text.flush()
        return count
    finally:
        text.detach()


def _cell(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def _json(columns: Mapping[str, type], rows: Iterable[Row], file: IO[bytes]) -> int:
    del columns
    count = 0
    for row in rows:
        held = {name: _finite(value) for name, value in row.items() if value is not None}
        text = json.dumps(held, ensure_ascii=False)
        file.write(b"[\n" if not count else b",\n")
        file.write(text.encode("utf-8", "surrogateescape"))
        count += 1
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def _finite(value: Any) -> Any:
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _parquet(columns: Mapping[str, type], rows: Iterable[Row], file: IO[bytes]) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RequestError(
            "Parquet needs pyarrow, which is not installed", hint="pip install 'mlo[parquet]'"
        ) from error
    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        source = iter(rows)
        while batch := list(islice(source, _AT_ONCE)):
            count += len(batch)
            arrays = [
                pa.array([_typed(row.get(name), kind) for row in batch], types[kind])
                for name, kind in columns.items()
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return count


def _typed(value: Any, kind: type) -> Any:
    if value is None or isinstance(value, kind):
        return value
    if kind is str:
        return json.dumps(value, ensure_ascii=False)
    return kind(value)
