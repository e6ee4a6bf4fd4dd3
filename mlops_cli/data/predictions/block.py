"""Rows side by side as bytes: one stream of values for each column, coded by what is in it.

A payload has the number of its streams (2 bytes), a code (1) and a length (4) for each, and then
their bytes. Numbers are little-endian. The streams are: numbers, moments, the columns of the
segment, predictions, probabilities, request ids, keys. `docs/design/format.md` has the codes.
"""

import json
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from mlops_cli.core.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NONE, _FLOAT, _WHOLE, _TRUTH, _WORDS, _JSON, _SHARES = range(7)
_GAPS = 0x80
"""Added to a code whose stream begins with a bit for each row: 1 where the value is null."""
_COUNT = struct.Struct("<H")
_ENTRY = struct.Struct("<BI")
_BASE = struct.Struct("<qB")
_LENGTH = struct.Struct("<I")
_WIDTHS = (1, 2, 4, 8)
_EXACT = 2**53


class Damaged(Exception):
    """A payload that passed its checksum and still cannot be read."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The values of one column. Where `gaps` is true the value is null, whatever stands there."""

    values: "NDArray[Any]"
    gaps: "NDArray[np.bool_] | None" = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: int) -> Any:
        """Return a value as JSON has it."""
        if self.gaps is not None and self.gaps[row]:
            return None
        value = self.values[row]
        return value.item() if hasattr(value, "item") else value

    def tolist(self) -> list[Any]:
        """Return the values as JSON has them."""
        values: list[Any] = self.values.tolist()
        if self.gaps is not None:
            for row in self.gaps.nonzero()[0].tolist():
                values[row] = None
        return values

    def array(self) -> "NDArray[Any]":
        """Return the values in one array: null is NaN among numbers, None among others."""
        import numpy as np

        if self.gaps is None or not self.gaps.any():
            return self.values
        kind, gap = (float, np.nan) if self.values.dtype.kind in "if" else (object, None)
        found = self.values.astype(kind)
        found[self.gaps] = gap
        return found

    def take(self, rows: "NDArray[Any]") -> "Cells":
        """Return some rows, by a mask or by their places."""
        return Cells(self.values[rows], None if self.gaps is None else self.gaps[rows])


@dataclass(frozen=True, slots=True)
class Content:
    """What a block holds. `shares` has a row for each prediction and a column for each class."""

    numbers: "NDArray[np.int64]"
    times_us: "NDArray[np.int64]"
    columns: tuple[Cells, ...]
    predictions: Cells
    shares: "NDArray[np.float64] | None"
    requests: Cells | None
    keys: Cells | None


def encode(
    numbers: "NDArray[np.int64]",
    times_us: "NDArray[np.int64]",
    columns: Sequence[tuple[int, bytes]],
    predictions: Sequence[Any],
    shares: "NDArray[np.float64] | None",
    requests: Sequence[str | None] | None,
    keys: Sequence[str | None] | None,
) -> bytes:
    """Return the payload of a block; `columns` are streams already, as `cells` makes them."""
    streams = [
        _whole(numbers),
        _whole(times_us),
        *columns,
        cells(predictions),
        (_NONE, b"") if shares is None else (_SHARES, _shares(shares)),
        (_NONE, b"") if requests is None else cells(requests),
        (_NONE, b"") if keys is None else cells(keys),
    ]
    entries = [_ENTRY.pack(code, len(data)) for code, data in streams]
    return b"".join([_COUNT.pack(len(streams)), *entries, *[data for _, data in streams]])


def decode(payload: bytes, rows: int, *, columns: int) -> Content:
    """Return what `encode` was given.

    Raises:
        Damaged: it has another form, or another number of rows or columns.
    """
    try:
        streams = list(_split(payload))
        if len(streams) != columns + 6:
            raise Damaged(f"{len(streams)} streams")
        found = [None if code == _SHARES else _cells(code, data, rows) for code, data in streams]
        (code, data), *_ = streams[-3:-2]
        shares = _unshared(data, rows) if code == _SHARES else None
        absent = [one[0] == _NONE for one in streams[-2:]]
        numbers, times, *held, predictions, _, requests, keys = found
    except (ValueError, IndexError, KeyError, struct.error) as error:
        raise Damaged(str(error)) from error
    if numbers is None or times is None or predictions is None or None in held:
        raise Damaged("a stream of shares where none belongs")
    return Content(
        numbers.values,
        times.values,
        tuple(one for one in held if one is not None),
        predictions,
        shares,
        None if absent[0] else requests,
        None if absent[1] else keys,
    )


def matrix(values: "NDArray[np.float64]") -> list[tuple[int, bytes]]:
    """Return the streams of columns of floats at once: `values` has shape (rows, columns)."""
    import numpy as np

    rows, columns = values.shape
    spread = np.ascontiguousarray(values.T).view(np.uint8).reshape(columns, rows, 8)
    planes = np.ascontiguousarray(spread.transpose(0, 2, 1))
    return [(_FLOAT, planes[column].tobytes()) for column in range(columns)]


def cells(values: Sequence[Any]) -> tuple[int, bytes]:
    """Return the code and the stream of one column of JSON values."""
    import numpy as np

    kinds = set(map(type, values))
    gaps = type(None) in kinds
    kinds.discard(type(None))
    if not kinds:
        return _NONE, b""
    code, data = _coded(kinds, values, gaps=gaps)
    if not gaps or code == _JSON:
        return code, data
    mask = np.fromiter((value is None for value in values), np.bool_, len(values))
    return code | _GAPS, np.packbits(mask, bitorder="little").tobytes() + data


def _coded(kinds: set[type], values: Sequence[Any], *, gaps: bool) -> tuple[int, bytes]:
    import numpy as np

    if kinds == {str}:
        return _WORDS, _words(values)
    if kinds <= {float, int}:
        filled = [0 if value is None else value for value in values] if gaps else values
        if kinds == {int}:
            try:
                return _whole(np.array(filled, dtype=np.int64))
            except OverflowError:
                return _JSON, _json(values)
        if kinds == {float} or all(-_EXACT <= v <= _EXACT for v in filled if type(v) is int):
            return _FLOAT, _spread(np.array(filled, dtype=np.float64))
    if kinds == {bool}:
        return _TRUTH, np.array([value is True for value in values], dtype=np.uint8).tobytes()
    return _JSON, _json(values)


def _spread(values: "NDArray[np.float64]") -> bytes:
    """Return doubles with their first bytes together, then their second: they pack better so."""
    import numpy as np

    return values.view(np.uint8).reshape(-1, 8).T.tobytes()


def _together(data: bytes, rows: int) -> "NDArray[np.float64]":
    import numpy as np

    planes = np.frombuffer(data, dtype=np.uint8).reshape(8, rows)
    return np.ascontiguousarray(planes.T).view("<f8").reshape(rows)


def _whole(values: "NDArray[np.int64]") -> tuple[int, bytes]:
    """Return whole numbers as the smallest, a width in bytes, and what each is above it."""
    import numpy as np

    base = int(values.min())
    above = values.astype(np.uint64) - np.uint64(base % 2**64)
    most = int(above.max())
    width = next(width for width in _WIDTHS if most < 1 << 8 * width)
    return _WHOLE, _BASE.pack(base, width) + above.astype(f"<u{width}").tobytes()


def _unwhole(data: bytes, rows: int) -> "NDArray[np.int64]":
    import numpy as np

    base, width = _BASE.unpack_from(data)
    if width not in _WIDTHS:
        raise Damaged(f"whole numbers of {width} bytes")
    above = np.frombuffer(data, f"<u{width}", rows, _BASE.size).astype(np.uint64)
    return (above + np.uint64(base % 2**64)).astype(np.int64)


def _words(values: Sequence[Any]) -> bytes:
    """Return texts as a list of those that there are, and the place in it for each row."""
    import numpy as np

    known: dict[Any, int] = {}
    places = [known.setdefault(value, len(known)) for value in values]
    texts = _json(["" if text is None else text for text in known])
    width = next(width for width in _WIDTHS if len(known) <= 1 << 8 * width)
    return _LENGTH.pack(len(texts)) + texts + np.array(places, dtype=f"<u{width}").tobytes()


def _unworded(data: bytes, rows: int) -> "NDArray[Any]":
    import numpy as np

    (size,) = _LENGTH.unpack_from(data)
    texts = _unjson(data[_LENGTH.size : _LENGTH.size + size])
    known = np.empty(len(texts), dtype=object)
    known[:] = texts
    width = next(width for width in _WIDTHS if len(texts) <= 1 << 8 * width)
    found: NDArray[Any] = known[np.frombuffer(data, f"<u{width}", rows, _LENGTH.size + size)]
    return found


def _json(values: Sequence[Any]) -> bytes:
    """Return a list as JSON: numbers of any size, NaN, and text that is no Unicode included."""
    if set(map(type, values)) <= {str}:
        try:
            return orjson.dumps(values)
        except TypeError:  # half a surrogate pair
            pass
    return json.dumps(list(values), default=str, separators=(",", ":")).encode()


def _unjson(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def _shares(shares: "NDArray[np.float64]") -> bytes:
    streams = matrix(shares)
    return _COUNT.pack(len(streams)) + b"".join([data for _, data in streams])


def _unshared(data: bytes, rows: int) -> "NDArray[np.float64]":
    import numpy as np

    (columns,) = _COUNT.unpack_from(data)
    planes = np.frombuffer(data, np.uint8, columns * rows * 8, _COUNT.size)
    spread = np.ascontiguousarray(planes.reshape(columns, 8, rows).transpose(2, 0, 1))
    return spread.view("<f8").reshape(rows, columns)


def _split(payload: bytes) -> "list[tuple[int, bytes]]":
    (count,) = _COUNT.unpack_from(payload)
    at = _COUNT.size + count * _ENTRY.size
    found = []
    for place in range(count):
        code, length = _ENTRY.unpack_from(payload, _COUNT.size + place * _ENTRY.size)
        found.append((code, payload[at : at + length]))
        at += length
    if at != len(payload):
        raise Damaged(f"{len(payload)} bytes in place of {at}")
    return found


def _cells(code: int, data: bytes, rows: int) -> Cells:
    import numpy as np

    gaps: NDArray[np.bool_] | None = None
    if code & _GAPS:
        size = (rows + 7) // 8
        bits = np.frombuffer(data, np.uint8, size)
        gaps = np.unpackbits(bits, count=rows, bitorder="little").astype(np.bool_)
        code, data = code & ~_GAPS, data[size:]
    if code == _NONE:
        empty = np.empty(rows, dtype=object)
        return Cells(empty, np.ones(rows, dtype=np.bool_))
    if code == _FLOAT:
        return Cells(_together(data, rows), gaps)
    if code == _WHOLE:
        return Cells(_unwhole(data, rows), gaps)
    if code == _TRUTH:
        return Cells(np.frombuffer(data, np.uint8, rows).astype(np.bool_), gaps)
    if code == _WORDS:
        return Cells(_unworded(data, rows), gaps)
    if code == _JSON:
        return of_list(_unjson(data), rows)
    raise Damaged(f"a stream has the code {code}")


def of_list(values: list[Any], rows: int) -> Cells:
    """Return JSON values as they are, in an array of objects."""
    import numpy as np

    if len(values) != rows:
        raise Damaged(f"{len(values)} values in place of {rows}")
    found = np.empty(rows, dtype=object)
    found[:] = values
    gaps = np.fromiter((value is None for value in values), np.bool_, rows)
    return Cells(found, gaps if gaps.any() else None)


def of_values(values: list[Any]) -> Cells:
    """Return JSON values as a column that was coded would give them back."""
    code, data = cells(values)
    return _cells(code, data, len(values))
