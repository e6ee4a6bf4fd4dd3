"""What must be there before a pipeline can run, because no step of it makes it."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlops_cli.core.globs import fixed, is_pattern
from mlops_cli.core.layout import POINTER_SUFFIX
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.inputs import Look
from mlops_cli.pipeline.places import above
from mlops_cli.pipeline.plan import Plan

if TYPE_CHECKING:
    from mlops_cli.pipeline.run_cache import Bring


def require(
    repo: Repository, graph: Graph, plans: Mapping[str, Plan], bring: "Bring | None" = None
) -> None:
    """Raise RequestError for what steps need, no step makes, and is not there.

    In a work tree aside, versioned data is checked out; so it is, after it was fetched, where
    something brings it.
    """
    look = Look(repo)
    for name, plan in plans.items():
        _require_fixed(name, plan)
        for dep in plan.paths:
            if dep not in plan.optional and next(graph.makers(dep), None) is None:
                for path in _missing(repo, look, dep):
                    _supply(repo, name, path, bring)


def _require_fixed(name: str, plan: Plan) -> None:
    """Raise RequestError for a version of a model or of data that there is not."""
    for dep, oid in plan.fixed.items():
        if oid is None:
            kind, _, called = dep.partition(":")
            raise RequestError(
                f"step '{name}' needs the {kind} '{called}', which is not there",
                hint="mlo models list" if kind == "model" else f"mlo log {called.split('@')[0]}",
            )


def _missing(repo: Repository, look: Look, dep: str) -> list[str]:
    """Return what is not there of a dependency; a pattern itself where nothing matches it."""
    found = (look.matches(dep) or [dep]) if is_pattern(dep) else [dep]
    return [path for path in found if is_pattern(path) or not paths.locate(repo, path).exists()]


def _supply(repo: Repository, step: str, path: str, bring: "Bring | None") -> None:
    """Check out what is missing, in a work tree aside or with `bring`; else say what to do."""
    pattern = is_pattern(path)
    held = versioned_at(repo, fixed(path) if pattern else path)
    if held is not None and (bring is not None or repo.layout.store != repo.layout.mlo):
        from mlops_cli.data.checkout import checkout
        from mlops_cli.data.pointer import read

        if bring is not None and (pointer := read(repo, held)) is not None:
            bring([pointer.oid])
        checkout(repo, [repo.root / held])
        return
    raise RequestError(
        f"step '{step}' needs '{path}', which "
        + ("nothing matches" if pattern else "is not there"),
        hint=_way_out(repo, path, held),
    )


def _way_out(repo: Repository, path: str, held: str | None) -> str:
    """Return what to do about a path that is missing."""
    if held is not None:
        from mlops_cli.data.pointer import read

        pointer = read(repo, held)
        here = pointer is None or repo.objects.has(pointer.oid)
        return f"mlo checkout {held}" if here else "mlo pull"
    from difflib import get_close_matches

    folder = (repo.root / path).parent
    try:
        names = os.listdir(folder)
    except OSError:
        names = []
    near = get_close_matches(path.rpartition("/")[2], names, n=1)
    above_it = path.rpartition("/")[0]
    if near:
        return f"did you mean '{above_it + '/' if above_it else ''}{near[0]}'?"
    return "make it, or correct deps"


def versioned_at(repo: Repository, path: str) -> str | None:
    """Return the path with a pointer that is `path` or holds it; None for none."""
    for one in (path, *above(path)) if path else ():
        if (repo.root / (one + POINTER_SUFFIX)).exists():
            return one
    return None
