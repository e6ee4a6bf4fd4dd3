"""Numbers that a run reports: from the files it writes, and from the API as it goes."""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from mlops_cli.errors import RequestError
from mlops_cli.runs.record import Number

MAX_FILE_BYTES = 16 * 1024 * 1024
_MOST = 6
WITHOUT = "run"
"""Stands for the step of what none logged, where names have to be told apart."""


def read_file(path: Path, *, where: str) -> dict[str, Number]:
    """Return the numbers in a JSON or YAML file by dotted name; other values are left out.

    Raises:
        RequestError: it cannot be parsed, or is too large for numbers; `where` names it.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise RequestError(f"the metrics file '{where}' is larger than 16 MiB")
    data = path.read_bytes()
    return flatten(_parse(data, path.suffix.lower(), where))


def _parse(data: bytes, suffix: str, where: str) -> Any:
    if suffix in (".yaml", ".yml"):
        from mlops_cli.core import yaml_nodes

        return yaml_nodes.parse(data, where=where).plain()
    try:
        return json.loads(data)
    except ValueError as error:
        raise RequestError(
            f"the metrics file '{where}' is not valid JSON: {error}",
            hint='write it as {"auc": 0.91}, or end its name in .yaml for YAML',
        ) from error


def flatten(value: Any, above: str = "") -> dict[str, Number]:
    """Return the numbers in nested mappings and lists, by dotted name.

    >>> flatten({"auc": 0.9, "by": {"f": 1, "ok": True}, "note": "x", "fold": [0.5, float("nan")]})
    {'auc': 0.9, 'by.f': 1, 'fold.0': 0.5, 'fold.1': 'nan'}
    """
    if isinstance(value, Mapping):
        inner: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return {above or "value": number(value)}
    else:
        return {}
    found: dict[str, Number] = {}
    for key, one in inner:
        found.update(flatten(one, f"{above}.{key}" if above else str(key)))
    return found


def number(value: float) -> Number:
    """Return a number as records hold it.

    >>> number(float("-inf")), number(0.5)
    ('-inf', 0.5)
    """
    return value if math.isfinite(value) else repr(float(value))


def real(value: Number) -> float:
    """Return a recorded number as a float.

    >>> real("nan"), real(3)
    (nan, 3.0)
    """
    return float(value)


def not_finite(metrics: Mapping[str, Number]) -> str | None:
    """Return which of these are no finite numbers, in one line.

    >>> not_finite({"loss": "nan", "auc": 0.5, "r": "inf"})
    "'loss' is nan, and 'r' is inf"
    """
    found = [f"'{name}' is {value}" for name, value in metrics.items() if isinstance(value, str)]
    if len(found) > _MOST:
        found[_MOST:] = [f"{len(found) - _MOST} more are no numbers"]
    *others, last = found or [""]
    return ", and ".join(filter(None, [", ".join(others), last])) or None


class Logged:
    """The last value of each metric that was logged, and how all of them spread."""

    def __init__(self) -> None:
        self.last: dict[str, dict[str, Number]] = {}
        """By step ("" for none) and name."""
        self._spread: dict[str, dict[str, list[float]]] = {}
        """By step and name: how many, the least and the greatest."""

    def take(self, line: Mapping[str, Any]) -> None:
        """Take in a line of a journal that has metrics."""
        values: dict[str, Number] = line["metrics"]
        step = str(line.get("by", ""))
        last = self.last.get(step)
        if last is None:
            last = self.last[step] = {}
            self._spread[step] = {}
        last.update(values)
        if line.get("result") is True:  # what all came to, no further point
            return
        spread = self._spread[step]
        for name, value in values.items():
            real_value: float = real(value) if type(value) is str else value  # type: ignore[assignment]
            found = spread.get(name)
            if found is None:
                spread[name] = [1, real_value, real_value]
            else:
                _widen(found, 1, real_value, real_value)

    def series(self, names: Collection[str]) -> dict[str, dict[str, Number]]:
        """Return count, least and greatest value of each metric that was logged more than once.

        `names` are those that the record gives them, as `merge` returns: what it tells apart by
        step is told apart here too.
        """
        found: dict[str, list[float]] = {}
        for step, metrics in self._spread.items():
            for metric, spread in metrics.items():
                own = f"{step or WITHOUT}.{metric}"
                name = own if own in names else metric
                if name in found:
                    _widen(found[name], *spread)
                else:
                    found[name] = list(spread)
        return {
            name: {"count": int(count), "min": number(least), "max": number(most)}
            for name, (count, least, most) in sorted(found.items())
            if count > 1
        }


def _widen(found: list[float], count: float, least: float, most: float) -> None:
    """Take more values into a spread; a number takes the place of nan."""
    found[0] += count
    if least < found[1] or found[1] != found[1]:
        found[1] = least
    if most > found[2] or found[2] != found[2]:
        found[2] = most


def merge(groups: Mapping[str, Mapping[str, Number]]) -> dict[str, Number]:
    """Return the metrics of several steps as those of their run.

    A name that steps give different values stands for none of them: it becomes `step.name`.

    >>> merge({"train": {"loss": 1, "auc": 2}, "evaluate": {"auc": 3}})
    {'evaluate.auc': 3, 'loss': 1, 'train.auc': 2}
    """
    values: dict[str, set[Number]] = {}
    for metrics in groups.values():
        for name, value in metrics.items():
            values.setdefault(name, set()).add(value)
    merged: dict[str, Number] = {}
    for step, metrics in groups.items():
        for name, value in metrics.items():
            merged[name if len(values[name]) == 1 else f"{step}.{name}"] = value
    return dict(sorted(merged.items()))
