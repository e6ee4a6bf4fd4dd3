"""Columns of Arrow tables in sum, without pandas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.kinds import Kind
from mlops_cli.monitor.sources import numbers, texts
from mlops_cli.monitor.words import MOST_TEXTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_FEW = 10_000


def kind_of(kind: Any) -> Kind:
    """Return what a column of an Arrow type holds, where it has a value."""
    from pyarrow import types

    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "datetime"
    return "empty" if types.is_null(kind) else "category"


def summed(column: Any) -> Distribution:
    """Return a column of an Arrow table in sum; `column` is a chunked array of its own."""
    kind = kind_of(column.type)
    rows = len(column)
    if kind == "empty" or column.null_count == rows:
        return Distribution("empty", rows, rows)
    if kind == "category":
        return _of_texts(column)
    return numbers.summed(kind, rows, values(column))


def below(columns: Sequence[Any]) -> Any:
    """Return columns of one type, one below the other, as one."""
    import pyarrow as pa

    return pa.chunked_array([one for each in columns for one in each.chunks], columns[0].type)


def values(column: Any) -> NDArray[Any]:
    """Return the values of a column of numbers, booleans or moments that are there, as an array
    of one's own: moments in seconds since 1970.
    """
    import numpy as np

    pieces = [_plain(chunk) for chunk in column.chunks if len(chunk) > chunk.null_count]
    if not pieces:
        return np.zeros(0)
    found: NDArray[Any] = np.concatenate(pieces)  # a copy: what Arrow shows is not to be sorted
    return found


def _plain(chunk: Any) -> NDArray[Any]:
    """Return the values of one array that are there."""
    from pyarrow import types

    kind = chunk.type
    if types.is_decimal(kind):
        chunk = chunk.cast("float64")
    if types.is_date(kind):
        chunk = chunk.cast("timestamp[ms]")
    found = there(chunk)
    if types.is_timestamp(chunk.type):
        return found / _PER_SECOND[chunk.type.unit]
    return found.astype("float32") if found.dtype == "float16" else found


def there(chunk: Any) -> NDArray[Any]:
    """Return what an array of numbers, booleans or moments holds, without what is missing.

    From its bytes: Arrow's own way there loads pandas, and its functions, for a tenth of a second.
    """
    import numpy as np
    from pyarrow import types

    gaps, held = chunk.buffers()
    kind = chunk.type
    if types.is_boolean(kind):
        found: NDArray[Any] = _bits(held, chunk)
    else:
        width = kind.bit_width // 8
        plain = f"i{width}" if types.is_timestamp(kind) else kind.to_pandas_dtype()
        found = np.frombuffer(held, plain, len(chunk), chunk.offset * width)
    return found if gaps is None or not chunk.null_count else found[_bits(gaps, chunk)]


def _bits(buffer: Any, chunk: Any) -> NDArray[np.bool_]:
    import numpy as np

    end = chunk.offset + len(chunk)
    bits = np.frombuffer(buffer, np.uint8, (end + 7) // 8)
    return np.unpackbits(bits, count=end, bitorder="little")[chunk.offset :].view(np.bool_)


def _of_texts(column: Any) -> Distribution:
    import numpy as np

    rows = len(column)
    present = rows - column.null_count
    known, counts = counted(column)
    lengths = _lengths(known)
    by_length = np.bincount(lengths, counts).astype(np.int64)
    distinct = len(known)
    if texts.are_names(distinct, present) and distinct > MOST_TEXTS:  # only their words are asked
        places = np.arange(0, distinct, -(-distinct // MOST_TEXTS))
        known, counts = take(known, places), counts[places]
    told = dict(zip(known.to_pylist(), counts.tolist(), strict=True))
    return texts.of_lengths(rows, told, by_length, distinct=distinct)


def counted(column: Any) -> tuple[Any, NDArray[np.int64]]:
    """Return the texts of a column as an Arrow array, and how often each is there."""
    import numpy as np
    import pyarrow as pa

    column = _as_text(column)
    chunked = column.unify_dictionaries()
    known = next((one.dictionary for one in chunked.chunks), None)
    counts = np.zeros(0 if known is None else len(known), np.int64)
    for chunk in chunked.chunks:
        if len(chunk) > chunk.null_count:
            counts += np.bincount(there(chunk.indices), minlength=len(counts))
    if known is None:
        return pa.array([], pa.string()), counts
    if not counts.all():
        places = np.flatnonzero(counts)
        known, counts = take(known, places), counts[places]
    return known, counts


def take(known: Any, places: NDArray[np.int64]) -> Any:
    """Return some elements of an array."""
    import pyarrow as pa

    return known.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))


def _as_text(column: Any) -> Any:
    """Return a column as dictionary-encoded text."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        if _is_text(kind.value_type):
            return column
        column, kind = column.cast(kind.value_type), kind.value_type
    if _is_text(kind):
        return column.dictionary_encode()
    told = [None if one is None else spelled(one) for one in column.to_pylist()]
    return pa.chunked_array([pa.array(told, pa.string())]).dictionary_encode()


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def spelled(value: Any) -> str:
    """Return a value as text, as pandas' columns of such values are counted."""
    return value if isinstance(value, str) else str(value)


def _lengths(known: Any) -> NDArray[np.int64]:
    import numpy as np

    if len(known) == 0:
        return np.zeros(0, np.int64)
    if len(known) <= _FEW:
        return np.fromiter(map(len, known.to_pylist()), np.int64, len(known))
    import pyarrow.compute as pc

    return there(pc.utf8_length(known)).astype(np.int64)


def as_counts(column: Any) -> Counter[str]:
    """Return how often each text of a column is there."""
    known, counts = counted(column)
    return Counter(dict(zip(known.to_pylist(), counts.tolist(), strict=True)))
