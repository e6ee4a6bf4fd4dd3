"""Merging two versions of `mlo.lock`, step by step.

What a step last made is a result, not a decision: where both sides ran a step and got something
else, neither result fits the merged code. The step is dropped, and `mlo run` makes it again.
"""

from mlops_cli.core.lockfile import Lock, LockedStep
from mlops_cli.core.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class MergedLock:
    """The merged steps, and the names of those that were dropped."""

    steps: Lock
    dropped: tuple[str, ...]


def merge_locks(base: Lock, ours: Lock, theirs: Lock) -> MergedLock:
    """Return the steps as the side has them that changed them since `base`."""
    merged: dict[str, LockedStep] = {}
    dropped: list[str] = []
    for name in sorted({*ours, *theirs}):
        was, here, there = base.get(name), ours.get(name), theirs.get(name)
        if _same(here, there) or there == was:
            chosen = here
        elif here == was:
            chosen = there
        else:
            dropped.append(name)
            continue
        if chosen is not None:
            merged[name] = chosen
    return MergedLock(merged, tuple(dropped))


def _same(one: LockedStep | None, other: LockedStep | None) -> bool:
    """Tell whether two runs of a step, if they were two, consumed and produced the same."""
    if one is None or other is None:
        return one is other
    return replace(one, run="") == replace(other, run="")
