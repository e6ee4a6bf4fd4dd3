"""Which rows a new version is trained on, and which it is compared with the old one on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_cli.core.config_retrain import Retrain
from mlops_cli.core.records import dataclass, replace
from mlops_cli.monitor.retrain import errors
from mlops_cli.monitor.retrain.errors import BLOCK, Base, Rise
from mlops_cli.monitor.retrain.fresh import Fresh

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_cli.monitor.retrain.tables import Training

LEAST_HELD_OUT = 50
_VARIES = 1.5
"""From this spread on rows are so alike that more of them are needed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a version has answered, held against what was true.

    Attributes:
        base: how often it was wrong before.
        cut: from how far off on an answer that is a number counts as wrong; None for labels.
        since_us: only answers from this moment on count; None for all.
    """

    base: Base
    cut: float | None = None
    since_us: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows of `Fresh` by their places: trained on from `first` on, compared on from `split` on.

    Attributes:
        old: how many of the rows that the version in the stage was trained on go along, the last of
            them; None for all.
        rise: by how much its errors rose, and since which row; None where they did not.
        change: the first row after the change; None where there was none.
        why: which rows these are, in words.
    """

    first: int
    split: int
    end: int
    old: int | None
    rise: Rise | None
    change: int | None
    why: str

    @property
    def trained(self) -> int:
        """How many fresh rows are trained on."""
        return self.split - self.first

    @property
    def held_out(self) -> int:
        """How many rows the versions are compared on."""
        return self.end - self.split


@dataclass(frozen=True, slots=True)
class Taken:
    """Fresh rows, which of them to take, and all that is trained on."""

    fresh: Fresh
    chosen: Chosen
    training: Training


def changed(fresh: Fresh, watched: Watched, said: Retrain) -> tuple[Rise, int] | None:
    """Return how errors rose since a row, and that row; None where they did not."""
    places = _answered(fresh, watched)
    found = errors.blocks(_wrong(fresh.wrong[places], watched.cut))
    rise = errors.risen(found, watched.base, rise=said.rise)
    if rise is None:
        return None
    first = errors.change_point(found, watched.base)
    rows = sum(found.rows[first:])
    since = replace(rise, now=sum(found.wrong[first:]) / rows, rows=rows)
    return since, int(places[first * BLOCK])


def answered(fresh: Fresh, watched: Watched) -> tuple[int, int]:
    """Return how many answers that count were wrong, and of how many."""
    wrong = _wrong(fresh.wrong[_answered(fresh, watched)], watched.cut)
    return int(wrong.sum()), len(wrong)


def choose(fresh: Fresh, watched: Watched, said: Retrain, *, change: int | None = None) -> Chosen:
    """Return which rows to train on, and which newest ones to compare on.

    `window: change` takes what came since the errors rose, and where rows near each other are much
    alike so many more as that spread asks for. Where errors did not rise, all rows count, those
    that the version in the stage was trained on too. `change` is a change that is known already.
    """
    rows = len(fresh)
    found = changed(fresh, watched, said)
    rise = found[0] if found else None
    change = found[1] if found else change
    if isinstance(said.window, int):
        first, old = max(0, rows - said.window), max(0, said.window - rows)
        why = f"the newest {said.window:,} rows"
        chosen = _all_from(first, rows, why, rise, change, old=old)
    elif said.window == "all" or change is None:
        chosen = _all_from(0, rows, "all rows", rise, change, old=None)
    else:
        first = change
        if rise is not None and rise.spread > _VARIES:
            first = max(0, min(first, rows - int(said.min_rows * rise.spread)))
        why = f"{rows - first:,} rows, {rows - change:,} of them since the errors rose"
        chosen = _all_from(first, rows, why, rise, change, old=0)
    held = min(max(int((rows - chosen.first) * said.held_out), LEAST_HELD_OUT), said.held_out_rows)
    return replace(chosen, split=max(chosen.first, rows - held))


def _all_from(
    first: int, rows: int, why: str, rise: Rise | None, change: int | None, *, old: int | None
) -> Chosen:
    return Chosen(first, rows, rows, old=old, rise=rise, change=change, why=why)


def base_of(
    off: NDArray[np.float64], *, is_labels: bool, known_spread: float = 1.0
) -> tuple[Base, float | None]:
    """Return what answers to rows that were held out say, and the cut for numbers: their median.

    `known_spread` counts where the rows are too few to show one.
    """
    import numpy as np

    known = off[~np.isnan(off)]
    if not len(known):
        return Base(spread=known_spread), None
    cut = None if is_labels else float(np.median(known))
    wrong = _wrong(known, cut)
    shown = errors.spread(errors.blocks(wrong)) or known_spread
    return Base(int(wrong.sum()), len(wrong), shown), cut


def _answered(fresh: Fresh, watched: Watched) -> NDArray[np.intp]:
    """Return the places of the rows that the version answered, and that count."""
    import numpy as np

    counts = ~np.isnan(fresh.wrong)
    if watched.since_us is not None and fresh.times_us is not None:
        counts &= fresh.times_us >= watched.since_us
    return counts.nonzero()[0]


def _wrong(off: NDArray[np.float64], cut: float | None) -> NDArray[np.bool_]:
    return off > (0.0 if cut is None else cut)
