"""What must be there before a pipeline can run, because no step of it makes it."""

from collections.abc import Mapping

from mlops_cli.core.fill_step import is_pattern
from mlops_cli.core.layout import POINTER_SUFFIX
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import patterns
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.inputs import Look
from mlops_cli.pipeline.places import above
from mlops_cli.pipeline.plan import Plan


def require(repo: Repository, graph: Graph, plans: Mapping[str, Plan]) -> None:
    """Raise RequestError for what steps need, no step makes, and is not there.

    In a work tree aside, versioned data is checked out.
    """
    look = Look(repo)
    for name, plan in plans.items():
        _require_fixed(name, plan)
        for dep in plan.paths:
            if dep not in plan.optional and next(graph.makers(dep), None) is None:
                for path in _missing(repo, look, dep):
                    _bring(repo, name, path)


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


def _bring(repo: Repository, step: str, path: str) -> None:
    """Check out what is missing, in a work tree aside; elsewhere say what to do."""
    pattern = is_pattern(path)
    held = _versioned(repo, patterns.fixed(path) if pattern else path)
    if held is not None and repo.layout.store != repo.layout.mlo:
        from mlops_cli.data.checkout import checkout

        checkout(repo, [repo.root / held])
        return
    raise RequestError(
        f"step '{step}' needs '{path}', which "
        + ("nothing matches" if pattern else "is not there"),
        hint=f"mlo checkout {held}" if held else "make it, or correct deps",
    )


def _versioned(repo: Repository, path: str) -> str | None:
    """Return the path with a pointer that is `path` or holds it; None for none."""
    for one in (path, *above(path)) if path else ():
        if (repo.root / (one + POINTER_SUFFIX)).exists():
            return one
    return None
