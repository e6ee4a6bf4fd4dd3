"""Every value of a run's metrics: kept as mlo's own runs keep them, and summed up."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from mlops_cli.core.ids import ObjectId
from mlops_cli.imports.mlflow_run import Point
from mlops_cli.runs.metrics import number
from mlops_cli.runs.record import Number

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

_LINE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_IN_MEMORY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class History:
    """What was logged: `last` and `series` as of `record.Run`, the object, and how many values."""

    last: Mapping[str, Number]
    series: Mapping[str, Mapping[str, Number]]
    object: ObjectId | None
    points: int


class _Metric:
    """The values of one metric so far."""

    __slots__ = ("count", "last", "least", "most", "rank")

    def __init__(self, point: Point) -> None:
        self.count = 0
        self.last = self.least = self.most = point.value
        self.rank = _rank(point)

    def take(self, point: Point) -> None:
        """Take one more in. NaN is neither least nor most, unless there is nothing else."""
        value = point.value
        self.count += 1
        if value < self.least or self.least != self.least:
            self.least = value
        if value > self.most or self.most != self.most:
            self.most = value
        rank = _rank(point)
        if rank >= self.rank:
            self.rank, self.last = rank, value


def keep(points: Iterable[Point], writer: "PackWriter") -> History:
    """Store values, and return what they come to.

    Of a metric the value with the highest step counts, of those the latest, of those the greatest,
    as in MLflow.
    """
    from tempfile import SpooledTemporaryFile

    found: dict[str, _Metric] = {}
    with SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
        for point in points:
            metric = found.get(point.name)
            if metric is None:
                metric = found[point.name] = _Metric(point)
            metric.take(point)
            values = {point.name: number(point.value)}
            line = {"time": point.time_ms / 1000, "metrics": values, "step": point.step}
            file.write(_LINE(line).encode() + b"\n")
        file.seek(0)
        history = writer.put_stream(cast(BinaryIO, file))[0] if found else None
    metrics = sorted(found.items())
    return History(
        {name: number(one.last) for name, one in metrics},
        {
            name: {"count": one.count, "min": number(one.least), "max": number(one.most)}
            for name, one in metrics
            if one.count > 1
        },
        history,
        sum(one.count for one in found.values()),
    )


def _rank(point: Point) -> tuple[int, int, float]:
    value = point.value
    return point.step, point.time_ms, value if value == value else 0.0
