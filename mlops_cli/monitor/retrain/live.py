"""How versions fared among requests at the same time, as far as is known by now."""

from __future__ import annotations

from math import erfc, sqrt
from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.monitor.retrain.fresh import off

if TYPE_CHECKING:
    from mlops_cli.data.predictions.rows import Rows

LIMIT = 0.01
"""How often a version that is as good may be sent back by chance."""
_FEWEST = 30
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows that a version answered, and how far off it was where the truth is known."""

    rows: int = 0
    off: tuple[float, ...] = ()
    is_labels: bool = True

    @property
    def labelled(self) -> int:
        """Of how many rows the truth is known."""
        return len(self.off)


def answers(repo: Repository, model: str, since: str) -> dict[int, Answered]:
    """Return what clients were answered since a moment, by number of the version."""
    found: dict[int, Answered] = {}
    for part in prediction_log.batches(repo, model, since=since, labelled=True):
        number = part.source.version
        before = found.get(number, Answered())
        far = (before.off + _off(part))[-_MOST:]
        is_labels = part.source.classes is not None
        found[number] = Answered(before.rows + len(part), far, is_labels)
    return found


def worse(new: Answered, old: Answered) -> str | None:
    """Return how a version is worse than another by its labels; None where that is not shown.

    Of labels the shares of wrong ones are compared, of numbers how many are further off than the
    other's median: a normal test of two shares, one-sided.

    >>> good = Answered(100, (0.0,) * 90 + (1.0,) * 10)
    >>> bad = Answered(100, (0.0,) * 60 + (1.0,) * 40)
    >>> worse(bad, good)
    '40.0% of 100 answers were wrong, 10.0% of the 100 of the version in the stage'
    >>> worse(good, bad) is None
    True
    """
    if min(new.labelled, old.labelled) < _FEWEST:
        return None
    cut = 0.0 if new.is_labels else sorted(old.off)[old.labelled // 2]
    mine, theirs = (sum(far > cut for far in one.off) for one in (new, old))
    share, other = mine / new.labelled, theirs / old.labelled
    both = (mine + theirs) / (new.labelled + old.labelled)
    varies = both * (1 - both) * (1 / new.labelled + 1 / old.labelled)
    if share <= other or not varies or erfc((share - other) / sqrt(2 * varies)) / 2 >= LIMIT:
        return None
    what = "were wrong" if new.is_labels else f"were off by more than {cut:.4g}"
    return (
        f"{share:.1%} of {new.labelled:,} answers {what},"
        f" {other:.1%} of the {old.labelled:,} of the version in the stage"
    )


def _off(part: Rows) -> tuple[float, ...]:
    if part.labels is None:
        return ()
    gaps = part.labels.gaps
    if gaps is not None:
        part = part.take(~gaps)
    truth = [] if part.labels is None else part.labels.tolist()
    is_labels = part.source.classes is not None
    return tuple(off(part.predictions.tolist(), truth, is_labels=is_labels).tolist())
