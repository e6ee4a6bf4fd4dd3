"""How a project stands: everything that is not as it could be, from all layers.

On the way of `mlo status`, which is to be instant: a layer is imported only when there is
something that it could say.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.layout import INDEX_SUFFIX, PACK_SUFFIX, was_dvc
from mlops_cli.core.outline import Outline, outline
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import pointer
from mlops_cli.data.status import Changed, changes

if TYPE_CHECKING:
    from mlops_cli.pipeline.stale import StepState
    from mlops_cli.registry.behind import Behind
    from mlops_cli.remotes.unpushed import Unpushed


@dataclass(frozen=True, slots=True)
class Standing:
    """What is not as it could be.

    Attributes:
        versioned: number of paths with a pointer.
        steps: number of steps in the settings.
        data: those that are not as their pointers say.
        stale: steps that need to run.
        models: models with a version that is in no stage.
        unpushed: what each remote lacks, as far as this clone knows.
        killed: names of runs whose process died; the next `mlo run` or `mlo runs` records them.
        conflicts: what a git merge left open and nobody settled, by the path of the data.
        lost: paths whose version DVC kept and `mlo import-dvc` found nowhere.
    """

    versioned: int
    steps: int
    data: tuple[Changed, ...]
    stale: "tuple[StepState, ...]"
    models: "tuple[Behind, ...]"
    unpushed: "tuple[Unpushed, ...]"
    killed: tuple[str, ...]
    conflicts: Mapping[str, tuple[str, ...]]
    lost: tuple[str, ...]

    @property
    def dirty(self) -> bool:
        """Whether data changed or conflicts or a step is stale: git would not commit all of it."""
        return bool(self.data or self.stale or self.conflicts)


def look(repo: Repository) -> Standing:
    """Return how a project stands.

    Raises:
        RequestError: the settings, a pointer or `mlo.lock` are wrong.
        IntegrityError: a pointer's path leaves the project.
    """
    pointers = pointer.each(repo)
    settings = outline(repo)
    return Standing(
        len(pointers),
        settings.steps,
        changes(repo, pointers),
        _stale(repo, settings),
        _behind(repo),
        _unpushed(repo, settings),
        _killed(repo),
        _conflicts(repo),
        _lost(repo),
    )


def _stale(repo: Repository, settings: Outline) -> "tuple[StepState, ...]":
    if not settings.steps:
        return ()
    from mlops_cli.cli.versions import resolver
    from mlops_cli.pipeline.stale import states

    return tuple(state for state in states(repo, resolve=resolver(repo)) if state.stale)


def _behind(repo: Repository) -> "tuple[Behind, ...]":
    if not repo.refs.all("models/"):
        return ()
    from mlops_cli.registry.behind import behind

    return behind(repo)


def _unpushed(repo: Repository, settings: Outline) -> "tuple[Unpushed, ...]":
    packs = set(_names(repo.layout.packs, PACK_SUFFIX))
    lacking = [
        name
        for name in settings.remotes
        if packs - set(_names(repo.layout.remotes / name, INDEX_SUFFIX))
    ]
    if not lacking:
        return ()
    from mlops_cli.remotes.unpushed import unpushed

    return unpushed(repo, lacking)


def _names(folder: Path, suffix: str) -> list[str]:
    """Return the names in a folder that end so, without that end; none if there is no folder."""
    try:
        return [name.removesuffix(suffix) for name in os.listdir(folder) if name.endswith(suffix)]
    except FileNotFoundError:
        return []


def _conflicts(repo: Repository) -> Mapping[str, tuple[str, ...]]:
    if not repo.layout.conflicts.exists():
        return {}
    from mlops_cli.data.conflicts import unsettled

    return unsettled(repo)


def _lost(repo: Repository) -> tuple[str, ...]:
    if not was_dvc(repo.root):
        return ()
    from mlops_cli.data import dvc_history

    return tuple(dvc_history.lost(repo))


def _killed(repo: Repository) -> tuple[str, ...]:
    try:
        if not os.listdir(repo.layout.open_runs):
            return ()
    except FileNotFoundError:
        return ()
    from mlops_cli.runs.open_run import orphans

    names = []
    for run in orphans(repo):
        if not run.seems_ended():  # else it ended, and waits to be recorded with others
            names.append(run.head.name)
        run.release()
    return tuple(names)
