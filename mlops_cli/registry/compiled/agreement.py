"""Whether a compiled model says what the original says, on every one of many rows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core.progress import Progress
from mlops_cli.errors import RequestError
from mlops_cli.registry.compiled.graph import NotCompiledError
from mlops_cli.registry.compiled.probes import FEWEST, Probes, Row
from mlops_cli.registry.compiled.session import Said, Session
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.frame import compile_frame

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 1e-9
"""How far probabilities may differ; of other numbers, this share of the number if that is more."""
MOST_S = 30.0
_CHUNK = 1_000
_ABSURD = 1e15
"""Scaled, a larger number may be beyond float32, which the original refuses; we do not."""
_ALONE = 40
"""So many rows are asked one at a time too, as a server does."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """On how many rows both agree, and how far their numbers differ at most."""

    rows: int
    worst: float


def compare(
    predictor: Predictor, session: Session, probes: Probes, progress: Progress
) -> Agreement:
    """Return how well a compiled model agrees with the original on all rows.

    Raises:
        NotCompiledError: it does not, or telling takes longer than `MOST_S`.
    """
    original, compiled = asking(predictor), session.answer()
    count, worst, started = 0, 0.0, time.monotonic()
    every = len(probes.rows)
    with progress.task("comparing the compiled model", every, "rows") as advance:
        for first in range(0, every, _CHUNK):
            rows = probes.rows[first : first + _CHUNK]
            compared, apart = _compare(original, compiled, rows)
            count, worst = count + compared, max(worst, apart)
            advance(len(rows))
            if time.monotonic() - started > MOST_S:
                raise NotCompiledError(
                    f"comparing it with the original takes longer than {MOST_S:.0f} s"
                )
        for row in probes.rows[:: max(1, every // _ALONE)]:
            worst = max(worst, _compare(original, compiled, [row])[1])
    if count < FEWEST:
        raise NotCompiledError(f"the original answers only {count:,} of {every:,} rows")
    return Agreement(count, worst)


def _compare(original: Any, compiled: Any, rows: Sequence[Row]) -> tuple[int, float]:
    """Return how many rows were compared, and how far the answers lie apart at most.

    Rows that the original refuses count only when a number in them is absurd.
    """
    columns = [list(values) for values in zip(*rows, strict=True)]
    try:
        said: Said = original(columns)
    except RequestError as error:
        if len(rows) > 1:
            half = len(rows) // 2
            parts = [_compare(original, compiled, part) for part in (rows[:half], rows[half:])]
            return sum(count for count, _ in parts), max(apart for _, apart in parts)
        if any(type(value) in (int, float) and abs(value) > _ABSURD for value in rows[0]):
            return 0, 0.0
        raise NotCompiledError(
            f"the original refuses rows that its signature allows ({error.message})"
        ) from error
    return len(rows), _difference(said, compiled(columns))


def asking(predictor: Predictor) -> Any:
    """Return a function from values by column to what the original says of them."""
    assert predictor.signature is not None
    build = compile_frame(predictor.signature)

    def answer(columns: Sequence[Sequence[Any]]) -> Said:
        frame = build(columns)
        shares = predictor.predict_proba(frame)
        return predictor.predict(frame).tolist(), None if shares is None else shares.tolist()

    return answer


def _difference(original: Said, compiled: Said) -> float:
    """Return how far two answers lie apart.

    Raises:
        NotCompiledError: a label differs, or a number by more than the tolerance.
    """
    import numpy as np

    (labels, shares), (other_labels, other_shares) = original, compiled
    worst = 0.0
    if (shares is None) != (other_shares is None):
        raise NotCompiledError("only one of the two gives probabilities")
    if shares is not None:
        worst = _apart(np.array(shares), np.array(other_shares), "probability")
    if _is_decimal(labels):
        return max(worst, _apart(np.array(labels), np.array(other_labels), "prediction"))
    for label, other in zip(labels, other_labels, strict=True):
        if label != other or type(label) is not type(other):
            raise NotCompiledError(f"compiled it says '{other}' where the original says '{label}'")
    return worst


def _is_decimal(labels: Sequence[Any]) -> bool:
    return bool(labels) and type(labels[0]) is float


def _apart(numbers: "np.ndarray[Any, Any]", others: "np.ndarray[Any, Any]", what: str) -> float:
    """Return the greatest difference, as a share of the number where that is more than 1."""
    import numpy as np

    if numbers.shape != others.shape:
        raise NotCompiledError(f"compiled it gives {what} of another shape")
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(numbers - others) / np.maximum(1.0, np.abs(numbers))
    same = (numbers == others) | (np.isnan(numbers) & np.isnan(others))
    apart = np.where(same, 0.0, apart)
    worst = float(apart.max(initial=0.0)) if not np.isnan(apart).any() else np.inf
    if worst > TOLERANCE:
        raise NotCompiledError(
            f"compiled, a {what} differs by {worst:.2g}, more than {TOLERANCE:g}"
        )
    return worst
