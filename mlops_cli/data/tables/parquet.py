"""Parquet as delimited text, a batch of rows at a time."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.files import outside
from mlops_cli.data.tables import records
from mlops_cli.data.tables.frames import NULL
from mlops_cli.data.tables.source import Source, Translated, raw
from mlops_cli.data.tables.translation import Translation, written
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 16_384


def translated(source: Source, name: str, scratch: Path) -> Translation:
    """Return the rows of a Parquet file as a table; numbers are written in one way only.

    Raises:
        RequestError: it is no Parquet file, or pyarrow is not there.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RequestError(
            f"'{name}' needs pyarrow to be read", hint="pip install 'mlo[parquet]'"
        ) from error

    copy = _Copy(source, scratch)

    def opened() -> Any:
        try:
            copy.file.seek(0)
            return pq.ParquetFile(copy.file)
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise RequestError(f"'{name}' is no Parquet file: {reason}") from error

    schema = opened().schema_arrow
    names = records.distinct(schema.names)
    types = {found: str(one.type) for found, one in zip(names, schema, strict=True)}

    def text() -> Iterator[bytes]:
        if not names:
            return
        yield written([names])
        try:
            for batch in opened().iter_batches(batch_size=_ROWS):
                yield _lines(batch, names)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise RequestError(f"'{name}' cannot be read: {reason}") from error

    texts = frozenset(
        found for found, one in zip(names, schema, strict=True) if not _is_plain(one.type)
    )
    return Translation(Translated(source.size, text), types, texts)


class _Copy:
    """The bytes as a file that can be read from any place; Parquet begins at its end."""

    def __init__(self, source: Source, scratch: Path) -> None:
        try:
            scratch.mkdir(parents=True, exist_ok=True)
            self.file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  closed with us
            for piece in raw(source):
                self.file.write(piece)
            self.file.flush()
        except OSError as error:
            raise outside(error, scratch) from error

    def __del__(self) -> None:
        if file := getattr(self, "file", None):
            file.close()


def _is_plain(kind: Any) -> bool:
    import pyarrow as pa

    of = pa.types
    return bool(of.is_integer(kind) or of.is_floating(kind) or of.is_boolean(kind))


def _lines(batch: "pa.RecordBatch", names: tuple[str, ...]) -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    columns = [column if _is_plain(column.type) else _as_text(column) for column in batch.columns]
    table = pa.table(columns, names=list(names))
    for quoting in ("none", "needed"):
        sink = pa.BufferOutputStream()
        try:
            csv.write_csv(
                table, sink, csv.WriteOptions(include_header=False, quoting_style=quoting)
            )
        except pa.ArrowInvalid:  # a cell needs quotes
            continue
        return bytes(sink.getvalue())
    raise RequestError("a cell cannot be written as text")


def _as_text(column: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    of = pa.types
    kind = column.type
    if of.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    simple = of.is_string(kind) or of.is_temporal(kind) or of.is_decimal(kind)
    if simple and not of.is_duration(kind) and not of.is_interval(kind):
        texts = column.cast(pa.string())
    else:
        texts = pa.array(
            [None if one is None else _spelled(one) for one in column.to_pylist()], pa.string()
        )
    return pc.fill_null(texts, NULL)


def _spelled(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False, sort_keys=True)
    return str(value)
