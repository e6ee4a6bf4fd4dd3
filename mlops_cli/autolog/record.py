"""Writing down what was watched: never in the way of the training, whatever goes wrong."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlops_cli.runs import sink

_LONGEST = 200
_MOST = 20
"""How many times one kind of thing is recorded with parameters of its own."""
_kinds: dict[str, list[str]] = {}


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Say once what went wrong inside a `with` block, and go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the training matters more than any record of it
        sink.warn_once(f"mlo autolog could not record {what}: {type(error).__name__}: {error}")


def label(kind: str, params: Mapping[str, Any]) -> str | None:
    """Return the name to record a thing under, `kind` or `kind-2` and so on for others of it.

    None when there were too many; what has been recorded with the same parameters keeps its name.
    """
    told = repr(sorted(params.items()))
    known = _kinds.setdefault(kind, [])
    if told not in known:
        if len(known) >= _MOST:
            sink.warn_once(f"mlo autolog records no more than {_MOST} different {kind}")
            return None
        known.append(told)
    number = known.index(told) + 1
    return kind if number == 1 else f"{kind}-{number}"


def params(name: str, values: Mapping[str, Any]) -> None:
    """Record parameters below a name."""
    write({"params": {f"{name}.{key}": value for key, value in values.items()}})


def metrics(values: Mapping[str, Any], step: int | None = None) -> None:
    """Record what of these is a number."""
    import time

    numbers = {}
    for name, value in values.items():
        try:
            numbers[name] = sink.number(name, value)
        except Exception:  # noqa: BLE001, S112  not a number, such as a list per class
            continue
    if numbers:
        line: dict[str, Any] = {"time": round(time.time(), 6), "metrics": numbers}
        write(line if step is None else {**line, "step": step})


def write(line: dict[str, Any]) -> None:
    """Append to the journal of the run."""
    where = sink.current()
    if where is not None:
        where.write(line)


def table(frame: Any, name: str) -> None:
    """Keep a table in the record."""
    from mlops_cli.runs import files

    where = sink.current()
    if where is not None:
        files.write_table(frame, where.file(name))


def plain(value: Any) -> Any:
    """Return a parameter as the record holds it: what has no plain form is told in words."""
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value[:_LONGEST] if isinstance(value, str) else value
    if isinstance(value, list | tuple) and len(value) <= _MOST:
        return [plain(one) for one in value]
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return getattr(value, "__qualname__", type(value).__name__)
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
