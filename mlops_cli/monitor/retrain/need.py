"""Whether a model is to be retrained by what is known of its answers, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_cli.core.clock import moment
from mlops_cli.core.records import dataclass
from mlops_cli.monitor.retrain import earlier
from mlops_cli.monitor.retrain.fresh import Fresh, gather
from mlops_cli.monitor.retrain.ground import Work
from mlops_cli.monitor.retrain.standing import watched
from mlops_cli.monitor.retrain.window import Watched, answered, changed
from mlops_cli.registry.models import Version


@dataclass(frozen=True, slots=True)
class Need:
    """Why a model is to be retrained; `cause` is None where it need not be.

    `back` is a version that does as well without any training: it is brought back instead.
    """

    cause: Mapping[str, Any] | None
    why: str
    back: int | None = None


def needed(work: Work) -> Need:
    """Return whether errors have risen, or enough rows have come since they did.

    Before that, whether a version that stood there before does better by now.
    """
    import numpy as np

    version = work.standing() or work.model.newest
    fresh = gather(work.repo, version, work.said)
    held = watched(work, version)
    known = int((~np.isnan(fresh.wrong)).sum())
    other = earlier.better(work, fresh) if known else None
    if other is not None:
        cause = {"by": "mlo retrain", "kind": "earlier version", "reason": other.why, "p": other.p}
        return Need(cause, other.why, other.number)
    found = changed(fresh, held, work.said)
    if found is not None:
        rise, first = found
        if len(fresh) - first < work.said.min_rows:
            few = f"{len(fresh) - first} of {work.said.min_rows} rows since then"
            return Need(None, f"errors rose to {rise.now:.1%} from {rise.before:.1%}; {few}")
        since = _when(fresh, first)
        why = f"errors rose to {rise.now:.1%} from {rise.before:.1%}{since}"
        cause = {"by": "mlo retrain", "kind": "errors", "reason": why, "p": rise.p}
        return Need(cause, why)
    again = work.state.again
    if again is not None and fresh.times_us is not None and work.said.again:
        rows = len(fresh) - int(np.searchsorted(fresh.times_us, again.change_us))
        if rows >= again.rows * work.said.again:
            why = f"{rows:,} rows since the errors rose, {again.rows:,} when it was trained last"
            return Need({"by": "mlo retrain", "kind": "more rows", "reason": why}, why)
    return Need(None, f"errors did not rise: {_so_far(fresh, held, version)}")


def _so_far(fresh: Fresh, held: Watched, version: Version) -> str:
    """Return how often a version is wrong, and was."""
    wrong, rows = answered(fresh, held)
    if not rows:
        return f"no labelled answer of v{version.number} yet"
    now = f"{wrong / rows:.1%} of {rows:,} labelled answers of v{version.number} were wrong"
    base = held.base
    return f"{now}, {base.wrong / base.rows:.1%} of {base.rows:,} before" if base.rows else now


def _when(fresh: Fresh, first: int) -> str:
    if fresh.times_us is None:
        return ""
    return f" since {moment(int(fresh.times_us[first]) * 1000)[:19]}"
