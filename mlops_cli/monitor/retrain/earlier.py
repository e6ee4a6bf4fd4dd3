"""Whether a version that was made before does better on the newest rows: nothing is trained.

What was true comes back; a version that was made of few or odd rows loses to the one that it
replaced; one that was not better when it was made is so on rows that came since. All that is needed
to know is there: the versions, and rows with their truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass
from mlops_cli.data.prediction_log import microseconds
from mlops_cli.errors import MloError
from mlops_cli.monitor.retrain.fresh import Fresh, judged
from mlops_cli.monitor.retrain.ground import Work
from mlops_cli.registry import routes
from mlops_cli.registry.evaluation import own
from mlops_cli.registry.evaluation.paired import mcnemar
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 2000
"""So many of the newest rows they are compared on."""
LEAST_ROWS = 100
ALPHA = 0.05
"""How often chance alone may look like a better one at a look, however many there are."""
_MOST = 10
"""So many of the newest are looked at."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version that was made before, and does better now.

    Attributes:
        first: the first of the fresh rows that they were compared on, to the newest.
        p: how likely that is by chance, with all others that were looked at.
    """

    number: int
    first: int
    p: float
    why: str


def better(work: Work, fresh: Fresh) -> Earlier | None:
    """Return the version that does best of those from before; None where none does better."""
    standing = work.standing()
    if standing is None or not work.said.earlier:
        return None
    others = _others(work, standing)
    found: list[Earlier] = []
    for other in others:
        first = first_of(fresh, standing, other)
        if len(fresh) - first >= LEAST_ROWS:
            found += _compared(work, fresh.since(first), standing, other, first, len(others))
    return min(found, key=lambda one: one.p, default=None)


def first_of(fresh: Fresh, standing: Version, other: Version) -> int:
    """Return the first of the newest rows that neither version can have been trained on.

    They came after both were made. Where nobody knows when rows came, there is none.
    """
    import numpy as np

    if fresh.times_us is None:
        return len(fresh)
    made = max(microseconds(standing.time), microseconds(other.time))
    return max(int(np.searchsorted(fresh.times_us, made, side="right")), len(fresh) - ROWS)


def _others(work: Work, standing: Version) -> list[Version]:
    """Return the versions that stood in the stage, or that a retraining made, the newest first.

    Those that were sent back, by a person or because they failed among requests, are not meant.
    """
    model, stage = work.model, work.stage
    stood, left = set[int](), set[int]()
    for event in model.events:
        if event.kind in ("promote", "rollback") and event.detail["stage"] == stage:
            stood.add(event.number)
            left.discard(event.number)
            if event.kind == "rollback":
                left.add(event.detail["previous"])
    found = []
    for one in reversed(model.versions):
        ended = routes.ended(model, "canary", one.number, stage)
        gone = one.number in left or (ended is not None and ended.detail["ended"] == "aborted")
        if (
            one != standing
            and not gone
            and (one.number in stood or own.is_retrained(work.repo, one))
        ):
            found.append(one)
    return found[:_MOST]


def _compared(
    work: Work, rows: Fresh, standing: Version, other: Version, first: int, tried: int
) -> list[Earlier]:
    """Return the other one if it is better by McNemar's test; for numbers: nearer more often."""
    now, then = _off(work, rows, standing), _off(work, rows, other)
    if now is None or then is None:
        return []
    better, worse = int((then < now).sum()), int((then > now).sum())
    p = min(1.0, mcnemar(better, worse) * tried)
    if better <= worse or p >= ALPHA:
        return []
    why = (
        f"v{other.number} would have been nearer the truth than v{standing.number} in {better:,}"
        f" of the newest {len(rows):,} rows, and further off in {worse:,}"
    )
    return [Earlier(other.number, first, p, why)]


def _off(work: Work, rows: Fresh, version: Version) -> NDArray[np.float64] | None:
    """Return how far off a version is; None for one that cannot be asked any more."""
    import numpy as np

    try:
        off = judged(work.repo, version, rows.rows, rows.target)
    except MloError:
        return None
    return None if np.isnan(off).any() else off
