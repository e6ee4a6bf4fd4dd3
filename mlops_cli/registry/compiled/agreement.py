"""Whether a compiled model says what the original says, on every one of many rows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core.progress import Progress
from mlops_cli.errors import RequestError
from mlops_cli.registry.compiled.graph import NotCompiledError
from mlops_cli.registry.compiled.probes import Probes, Row
from mlops_cli.registry.compiled.session import Said, Session
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.frame import compile_frame

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 1e-9
"""How far probabilities may differ; of other numbers, this share of the number if that is more."""
MOST_S = 30.0
_CHUNK = 4_000
_ABSURD = 1e15
"""Scaled, a larger number may be beyond float32, which the original refuses; we do not."""
_ALONE = 25
"""So many rows are asked one at a time too, as a server does."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """On how many rows both agree, and how far their numbers differ at most."""

    rows: int
    worst: float


def compare(
    predictor: Predictor,
    session: Session,
    probes: Probes,
    progress: Progress,
    *,
    tolerance: float = TOLERANCE,
) -> Agreement:
    """Return how well a compiled model agrees with the original on all rows.

    Numbers may differ by `tolerance`, as `TOLERANCE` says; labels not at all.

    Raises:
        NotCompiledError: it does not, or telling takes longer than `MOST_S`.
    """
    original, compiled = _asking(predictor), session.answer()
    usual = [row for row in probes.rows if not _is_absurd(row)]
    parts = [usual[first : first + _CHUNK] for first in range(0, len(usual), _CHUNK)]
    parts += [[row] for row in usual[:: max(1, len(usual) // _ALONE)]]
    started, worst = time.monotonic(), 0.0
    with progress.task("comparing the compiled model", len(usual), "rows") as advance:
        for part in parts:
            worst = max(worst, _agreed(original, compiled, part, tolerance))
            advance(len(part) if len(part) > 1 else 0)
            if time.monotonic() - started > MOST_S:
                raise NotCompiledError(
                    f"comparing it with the original takes longer than {MOST_S:.0f} s"
                )
    for row in probes.rows:
        if _is_absurd(row):
            worst = max(worst, _beyond(original, compiled, row, tolerance))
    return Agreement(len(usual), worst)


def _is_absurd(row: Row) -> bool:
    return any(type(value) in (int, float) and abs(value) > _ABSURD for value in row)


def _beyond(original: Any, compiled: Any, row: Row, tolerance: float) -> float:
    """Return how far answers to an absurd row lie apart; 0 where the original refuses it."""
    try:
        original([[value] for value in row])
    except RequestError:
        return 0.0
    return _agreed(original, compiled, [row], tolerance)


def _agreed(original: Any, compiled: Any, rows: Sequence[Row], tolerance: float) -> float:
    """Return how far answers to some rows lie apart; rows that both refuse do not count.

    Raises:
        NotCompiledError: they lie too far apart, or only one of the two refuses a row.
    """
    columns = [list(values) for values in zip(*rows, strict=True)]
    try:
        said: Said = original(columns)
    except RequestError as error:
        if len(rows) > 1:
            half = len(rows) // 2
            parts = (rows[:half], rows[half:])
            return max(_agreed(original, compiled, part, tolerance) for part in parts)
        try:
            compiled(columns)
        except RequestError:
            return 0.0
        raise NotCompiledError(
            f"the original refuses rows that its signature allows ({error.message})"
        ) from error
    try:
        return _difference(said, compiled(columns), tolerance)
    except RequestError as error:
        raise NotCompiledError("compiled it gives no number where the original does") from error


def _asking(predictor: Predictor) -> Any:
    """Return a function from values by column to what the original says of them."""
    assert predictor.signature is not None
    build = compile_frame(predictor.signature)

    def answer(columns: Sequence[Sequence[Any]]) -> Said:
        frame = build(columns)
        shares = predictor.predict_proba(frame)
        return predictor.predict(frame).tolist(), None if shares is None else shares.tolist()

    return answer


def _difference(original: Said, compiled: Said, tolerance: float) -> float:
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
        worst = _apart(np.array(shares), np.array(other_shares), "probability", tolerance)
    if _is_decimal(labels):
        apart = _apart(np.array(labels), np.array(other_labels), "prediction", tolerance)
        return max(worst, apart)
    for label, other in zip(labels, other_labels, strict=True):
        if label != other or type(label) is not type(other):
            raise NotCompiledError(f"compiled it says '{other}' where the original says '{label}'")
    return worst


def _is_decimal(labels: Sequence[Any]) -> bool:
    return bool(labels) and type(labels[0]) is float


def _apart(
    numbers: "np.ndarray[Any, Any]", others: "np.ndarray[Any, Any]", what: str, tolerance: float
) -> float:
    """Return the greatest difference, as a share of the number where that is more than 1."""
    import numpy as np

    if numbers.shape != others.shape:
        raise NotCompiledError(f"compiled it gives {what} of another shape")
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(numbers - others) / np.maximum(1.0, np.abs(numbers))
    same = (numbers == others) | (np.isnan(numbers) & np.isnan(others))
    apart = np.where(same, 0.0, apart)
    worst = float(apart.max(initial=0.0)) if not np.isnan(apart).any() else np.inf
    if worst > tolerance:
        raise NotCompiledError(
            f"compiled, a {what} differs by {worst:.2g}, more than {tolerance:g}"
        )
    return worst
