"""How long a model takes to answer, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.evaluation.record import Latency

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 1000
_ROW_S, _BATCH_S = 0.5, 0.5
_FEWEST, _MOST = 5, 200


def measure(
    answer: Callable[[pd.DataFrame], Any],
    frame: pd.DataFrame,
    *,
    runtime: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Return how long `answer` takes for rows of `frame`, which has at least one.

    It is called some times first, so that nothing is measured that happens only once. Then one
    row up to 200 times, and a batch of up to 1,000 rows, for half a second each.
    """
    one, batch = frame.iloc[:1], frame.iloc[:BATCH_ROWS]
    for _ in range(3):
        answer(one)
    alone = sorted(_times(lambda: answer(one), _ROW_S, clock))
    together = min(_times(lambda: answer(batch), _BATCH_S, clock))
    return Latency(
        row_s=alone[len(alone) // 2],
        row_p99_s=alone[min(len(alone) - 1, round(len(alone) * 0.99))],
        batch_rows=len(batch),
        batch_row_s=together / len(batch),
        runtime=runtime,
        machine=_machine(),
    )


def _times(call: Callable[[], Any], most_s: float, clock: Callable[[], float]) -> list[float]:
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
