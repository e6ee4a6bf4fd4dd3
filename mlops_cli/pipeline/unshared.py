"""Data of steps that no other clone gets: in a folder they read, ignored by git, not versioned."""

import os
from collections.abc import Iterator, Mapping, Sequence

from mlops_cli.core import git
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.layout import POINTER_SUFFIX
from mlops_cli.core.repository import Repository
from mlops_cli.data.listing import CACHES
from mlops_cli.errors import ExternalError
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.places import above
from mlops_cli.pipeline.plan import Plan
from mlops_cli.pipeline.required import versioned_at


def unshared(repo: Repository, graph: Graph, plans: Mapping[str, Plan]) -> Iterator[str]:
    """Yield a warning for each folder that steps read which has files that no clone would get."""
    readers = {
        dep: name
        for name, plan in reversed(list(plans.items()))
        for dep in plan.paths
        if not is_pattern(dep) and (repo.root / dep).is_dir() and versioned_at(repo, dep) is None
    }
    if not readers:
        return
    try:
        found = git.list_ignored(repo.root, sorted(readers))
    except ExternalError:
        return
    lost = [path for path in found if not _has_a_home(repo, graph, path)]
    for folder, step in sorted(readers.items()):
        inner = [path for path in lost if path.startswith(folder + "/")]
        if inner:
            yield _told(step, folder, inner)


def _told(step: str, folder: str, lost: Sequence[str]) -> str:
    more = f", as are {len(lost) - 1:,} more" if len(lost) > 1 else ""
    return (
        f"step '{step}' reads '{folder}': {lost[0]} is ignored by git and not versioned{more}; no "
        f"other clone gets that: mlo add {folder}, or list the files that it needs as deps"
    )


def _has_a_home(repo: Repository, graph: Graph, path: str) -> bool:
    """Return whether a file is versioned, what a step makes, a pointer, or a cache of a program."""
    parts = {os.fsencode(part) for part in path.split("/")}
    return (
        path.endswith(POINTER_SUFFIX)
        or bool(CACHES & parts)
        or any(one in graph.places.made for one in (path, *above(path)))
        or versioned_at(repo, path) is not None
    )
