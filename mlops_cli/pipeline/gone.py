"""Steps that `mlo.lock` knows and the settings do not any more: what they made is left."""

import os
from collections.abc import Iterator, Mapping

from mlops_cli.core.lockfile import LockedStep
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline import graph as graphs

_MOST = 5


def gone(repo: Repository, locked: Mapping[str, LockedStep]) -> list[str]:
    """Return the steps that are not in the settings, nor are they of a list there."""
    return [name for name in locked if name not in repo.settings.steps]


def left_behind(repo: Repository, locked: Mapping[str, LockedStep]) -> Iterator[str]:
    """Yield a warning for each such step of which something is in the work tree.

    Nothing is removed: who takes a step out may want to keep what it made.
    """
    names = gone(repo, locked)
    if not names:
        return
    made = {path for step in repo.settings.steps.values() for path in graphs.outputs(step)}
    for name in names[:_MOST]:
        left = [path for path in locked[name].written if path not in made]
        left = [path for path in left if os.path.lexists(repo.root / path)]
        if left:
            yield (
                f"step '{name}' is gone from .mlops.yaml; what it made is still here: "
                f"{', '.join(left[:_MOST])}{', ...' if len(left) > _MOST else ''}"
            )
    if len(names) > _MOST:
        yield f"so are {len(names) - _MOST:,} more steps"
