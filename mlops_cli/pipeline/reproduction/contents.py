"""Whether two files that differ say the same: numbers within a tolerance, all else equal."""

import json
import math
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from mlops_cli.core.records import dataclass
from mlops_cli.data import table
from mlops_cli.errors import MloError
from mlops_cli.pipeline.reproduction import archives
from mlops_cli.pipeline.reproduction.closeness import Tolerance, apart, number

_ARRAYS = (".npy", ".npz")


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two contents are.

    Attributes:
        equal: whether they are equal within the tolerance.
        why: what differs, in a few words.
    """

    equal: bool
    why: str


def compare(name: str, then: bytes, now: bytes, tolerance: Tolerance) -> Likeness:
    """Return how alike two contents of a file called `name` are, whose bytes differ."""
    suffix = PurePosixPath(name).suffix.lower()
    try:
        if suffix == ".json":
            return _values(json.loads(then), json.loads(now), tolerance)
        if table.is_table(name):
            return _tables(table.read(then, name), table.read(now, name), tolerance)
        if suffix in _ARRAYS:
            return arrays(_loaded(then), _loaded(now), tolerance)
        one, other = archives.parts(then), archives.parts(now)
        if one is not None and other is not None:
            return _parts(one, other, tolerance)
    except (MloError, ValueError, RecursionError):
        pass  # it is not what its name says, so its bytes are all there is to compare
    if len(then) != len(now):
        return Likeness(equal=False, why=f"{len(then):,} bytes, {len(now):,} here")
    return Likeness(equal=False, why=f"{_other_bytes(then, now):,} of {len(then):,} bytes differ")


def _other_bytes(then: bytes, now: bytes) -> int:
    import numpy as np

    one, other = np.frombuffer(then, np.uint8), np.frombuffer(now, np.uint8)
    return int(np.count_nonzero(one != other))


def _parts(then: Mapping[str, bytes], now: Mapping[str, bytes], tolerance: Tolerance) -> Likeness:
    """Return how alike two archives are, by the first part that differs."""
    schemas = [held[archives.SCHEMA] for held in (then, now) if archives.SCHEMA in held]
    if len(schemas) == 2:
        found = _schemas(json.loads(schemas[0]), json.loads(schemas[1]), tolerance)
        if not found.equal:
            return found
    if then.keys() != now.keys():
        own = "its parts are called by addresses in memory, as skops does by itself"
        return Likeness(equal=False, why=own if len(schemas) == 2 else "it holds other parts")
    for name in then:
        if then[name] == now[name] or (schemas and name == archives.SCHEMA):
            continue
        found = compare(name, then[name], now[name], tolerance)
        if not found.equal:
            return _far(name, found.why)
    return Likeness(equal=True, why="the parts of both archives are equal")


def _schemas(then: Any, now: Any, tolerance: Tolerance) -> Likeness:
    """Return how alike the objects are that skops has written, but for their arrays."""
    found = _values(archives.plain(then), archives.plain(now), tolerance)
    name = found.why.partition(": ")[0].rpartition(".")[2]
    if not found.equal and name in archives.ADDRESSES:
        why = f"{found.why}, an address in memory that scikit-learn keeps"
        return Likeness(equal=False, why=why)
    return found


def _values(then: Any, now: Any, tolerance: Tolerance) -> Likeness:
    most = 0.0
    for name, one, other in _leaves("", then, now):
        first, second = number(one), number(other)
        if first is None or second is None:
            if one != other or isinstance(one, bool) != isinstance(other, bool):
                return _far(name, f"{one!r:.40} -> {other!r:.40}")
            continue
        if not tolerance.allows(first, second, name=name):
            return _far(name, f"{first!r} -> {second!r}")
        most = max(most, apart(first, second))
    return _close(most)


def _leaves(name: str, then: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield dotted names and both values of all that is no mapping or list of equal form."""
    if isinstance(then, dict) and isinstance(now, dict) and then.keys() == now.keys():
        for key in then:
            yield from _leaves(f"{name}.{key}" if name else str(key), then[key], now[key])
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for at, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _leaves(f"{name}.{at}" if name else str(at), one, other)
    else:
        yield name, then, now


def _tables(then: Any, now: Any, tolerance: Tolerance) -> Likeness:
    if then.shape != now.shape:
        rows = f"{len(then):,} rows and {len(then.columns)} columns"
        return Likeness(equal=False, why=f"{rows}, {len(now):,} and {len(now.columns)} here")
    if list(then.columns) != list(now.columns):
        return Likeness(equal=False, why="it has other columns")
    most = 0.0
    for name in dict.fromkeys(then.columns):
        one, other = then[name].to_numpy(), now[name].to_numpy()
        found = arrays({str(name): one}, {str(name): other}, tolerance)
        if not found.equal:
            return found
        most = max(most, _most(one, other))
    return _close(most)


def arrays(then: Mapping[str, Any], now: Mapping[str, Any], tolerance: Tolerance) -> Likeness:
    """Return how alike arrays are, by name: numbers as a share of the largest in each."""
    if then.keys() != now.keys():
        return Likeness(equal=False, why="it holds other arrays")
    most = 0.0
    for name, one in then.items():
        other = now[name]
        if one.shape != other.shape:
            return _far(name, f"shape {one.shape}, {other.shape} here")
        far = _most(one, other)
        if far > tolerance.relative:
            what = "other values" if math.isinf(far) else f"values apart by up to {far:.2g}"
            return _far(name, what)
        most = max(most, far)
    return _close(most)


def _most(one: Any, other: Any) -> float:
    """Return how far apart two arrays are, as a share of the largest number in them."""
    import numpy as np

    if not (_is_numeric(one) and _is_numeric(other)):
        same = (one == other) | ((one != one) & (other != other))  # NaN is NaN
        return 0.0 if np.all(same) else math.inf
    first, second = np.asarray(one, dtype=np.complex128), np.asarray(other, dtype=np.complex128)
    equal = (one == other) | (np.isnan(first) & np.isnan(second))
    if bool(np.all(equal)):
        return 0.0
    far = float(np.max(np.abs(first[~equal] - second[~equal])))
    if not math.isfinite(far):
        return math.inf
    finite = np.concatenate([first[np.isfinite(first)], second[np.isfinite(second)]])
    return far / float(np.max(np.abs(finite)))


def _is_numeric(values: Any) -> bool:
    return getattr(values.dtype, "kind", "O") in "biufc"


def _loaded(data: bytes) -> dict[str, Any]:
    import numpy as np

    held = np.load(BytesIO(data), allow_pickle=False)
    if isinstance(held, np.ndarray):
        return {"": held}
    return {name: held[name] for name in held.files}


def _far(name: str, why: str) -> Likeness:
    return Likeness(equal=False, why=f"{name}: {why}" if name else why)


def _close(most: float) -> Likeness:
    why = f"values apart by {most:.2g}" if most else "values are equal"
    return Likeness(equal=True, why=why)
