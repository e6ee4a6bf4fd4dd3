"""CSV by Arrow, every value as text, and columns of such a table as a model takes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.data import arrow_text
from mlops_cli.registry import rows as rows_of
from mlops_cli.registry.inputs import marks_of
from mlops_cli.registry.signature import Column, Signature

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_BYTES = 8 << 20


def tables(source: Path, *, rows: int) -> Iterator[Any]:
    """Yield the rows of a delimited file as tables of text, at most `rows` at a time.

    What Arrow refuses, pandas reads or tells of: from there on frames are yielded.
    """
    arrow = rows_of.pyarrow()
    import pyarrow.csv

    names = rows_of.header(source)
    done = 0
    try:
        reader = pyarrow.csv.open_csv(
            arrow_text.source(source),
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=rows_of.separator(source), newlines_in_values=True
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, arrow.string()), strings_can_be_null=False
            ),
        )
        if reader.schema.names != names:
            raise arrow.ArrowInvalid("other names")
        for batch in _closed(source, reader):
            for start in range(0, batch.num_rows, rows):
                piece = batch.slice(start, rows)
                yield arrow.Table.from_batches([piece])
                done += piece.num_rows
    except arrow.ArrowInvalid:
        yield from _after(done, rows_of.delimited(source, rows))
        return
    if not done:
        yield arrow.table({name: arrow.array([], arrow.string()) for name in names})


def _closed(source: Path, reader: Any) -> Iterator[Any]:
    """Yield the batches of a reader, the last one if all its quotes are closed.

    Raises:
        pyarrow.ArrowInvalid: one is not, and there are rows in what Arrow takes for its cell.
    """
    arrow = rows_of.pyarrow()
    held = None
    for batch in reader:
        if batch.num_rows:
            if held is not None:
                yield held
            held = batch
    if held is None:
        return
    if arrow_text.is_open(source, source.name, rows_of.separator(source), held):
        raise arrow.ArrowInvalid("a quote is not closed")
    yield held


def _after(skip: int, chunks: Iterator[rows_of.Chunk]) -> Iterator[Any]:
    """Yield the rows after the first `skip`."""
    for chunk in chunks:
        if skip < len(chunk.frame) or not skip:
            yield chunk.frame.iloc[skip:]
        skip = max(skip - len(chunk.frame), 0)


def frame(table: Any, signature: Signature | None, *, text: bool) -> "pd.DataFrame":
    """Return the columns of a table for `inputs.typed`; numbers that are text are numbers then."""
    import pandas as pd

    arrow = rows_of.pyarrow()
    kinds = {} if signature is None or not text else {one.name: one for one in signature.columns}
    made = {}
    for name in table.column_names:
        values = table.column(name)
        column = kinds.get(name)
        found = None if column is None else _numbers(arrow, column, values)
        if found is None:
            found = values.to_pandas() if text else values.to_pandas(types_mapper=_kept(arrow))
        made[name] = found
    return pd.DataFrame(made, index=pd.RangeIndex(table.num_rows), copy=False)


def _kept(arrow: Any) -> Any:
    """Return which types stay as Arrow has them: all but floats, so that none becomes one."""
    import pandas as pd

    def kept(kind: Any) -> Any:
        return None if arrow.types.is_floating(kind) else pd.ArrowDtype(kind)

    return kept


def _numbers(arrow: Any, column: Column, values: Any) -> Any:
    """Return text as numbers of the column's kind; None where one is odd, and has to be told."""
    import pyarrow.compute

    if column.kind not in ("number", "integer"):
        return None
    compute = pyarrow.compute
    if column.nullable:
        gaps = compute.is_in(values, value_set=arrow.array(sorted(marks_of(column))))
        values = compute.if_else(gaps, None, values)
    whole = column.kind == "integer" and not values.null_count
    try:
        found = compute.cast(values, arrow.int64() if whole else arrow.float64())
    except arrow.ArrowInvalid:
        return None
    return found.to_numpy()
