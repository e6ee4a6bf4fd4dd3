"""How long a version takes to answer, on this machine, by what answers in `mlo serve`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject, MloError
from mlops_cli.registry.evaluation.record import Latency
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import pandas as pd

    from mlops_cli.registry.formats import Predictor
    from mlops_cli.registry.signature import Signature

BATCH_ROWS = 1000
_ROW_S, _BATCH_S = 0.5, 0.5
_FEWEST, _MOST = 5, 200
_Call = Callable[[], Any]


def of_version(
    repo: Repository, version: Version, predictor: Predictor, frame: pd.DataFrame
) -> Latency:
    """Return how long a version takes for rows of `frame`, which has at least one.

    It is the compiled form that is measured where there is one, and values by column are given,
    as a server has them. Where these cannot be had, it is `predict` of the model on a table.
    """
    rows = min(len(frame), BATCH_ROWS)
    found = _served(repo, version, predictor)
    if found is not None and version.signature is not None:
        runtime, answer = found
        one, batch = (_columns(frame.iloc[:count], version.signature) for count in (1, rows))
        try:
            answer(one)
            return measure(lambda: answer(one), lambda: answer(batch), rows, runtime=runtime)
        except (MloError, ValueError, TypeError):
            pass  # rows that a server would refuse
    first, several = frame.iloc[:1], frame.iloc[:rows]
    predict = predictor.predict
    return measure(lambda: predict(first), lambda: predict(several), rows, runtime="native")


def measure(
    row: _Call,
    batch: _Call,
    rows: int,
    *,
    runtime: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Return how long answers take: of one row, and of a batch of so many.

    Both are asked some times first, so that nothing is measured that happens only once. Then each
    is asked up to 200 times, for half a second.
    """
    for _ in range(3):
        row()
    batch()
    alone = sorted(_times(row, _ROW_S, clock))
    together = min(_times(batch, _BATCH_S, clock))
    return Latency(
        row_s=alone[len(alone) // 2],
        row_p99_s=alone[min(len(alone) - 1, round(len(alone) * 0.99))],
        batch_rows=rows,
        batch_row_s=together / rows,
        runtime=runtime,
        machine=_machine(),
    )


def duration(seconds: float) -> str:
    """Return a short time for people.

    >>> duration(0.0000034), duration(0.0123), duration(0.0003), duration(2.5)
    ('3.4 us', '12 ms', '300 us', '2.5 s')
    """
    scale, unit = next(
        ((scale, unit) for scale, unit in ((1.0, "s"), (1e-3, "ms")) if seconds >= scale),
        (1e-6, "us"),
    )
    count = seconds / scale
    return f"{count:.0f} {unit}" if count >= 10 else f"{count:.2g} {unit}"


def _served(
    repo: Repository, version: Version, predictor: Predictor
) -> tuple[str, Callable[[Sequence[Sequence[Any]]], Any]] | None:
    """Return what answers in a server, and what it is called; None where nothing does."""
    if version.signature is None:
        return None
    if version.compiled is not None:
        from mlops_cli.registry.compiled import session

        try:
            data = repo.objects.get(version.compiled)
            held = session.load(data, where=f"{version.model} v{version.number}")
            return "onnx", held.answer()
        except MissingObject:
            pass  # the original answers
    from mlops_cli.registry.native.answering import answering

    return "native", answering(predictor)


def _columns(frame: pd.DataFrame, signature: Signature) -> list[list[Any]]:
    """Return the values of a table by column, as JSON has them."""
    return [[_plain(value) for value in frame[name].tolist()] for name in signature.names]


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return None if value != value else value


def _times(call: _Call, most_s: float, clock: Callable[[], float]) -> list[float]:
    found: list[float] = []
    end = clock() + most_s
    while len(found) < _FEWEST or (len(found) < _MOST and clock() < end):
        began = clock()
        call()
        found.append(clock() - began)
    return found


def _machine() -> str:
    from mlops_cli.runs.machine import describe

    return str(describe()["cpu"] or "unknown")
