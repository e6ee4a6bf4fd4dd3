"""Which steps a request is about, and what each of them would run with."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_cli.core import expand
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.plan import Plan, Resolve, plans
from mlops_cli.runs import params as parameters


@dataclass(frozen=True, slots=True)
class Chosen:
    """The steps to bring up to date, and what each would run with.

    Attributes:
        params: nested, for this run.
    """

    params: Mapping[str, Any]
    graph: Graph
    plans: Mapping[str, Plan]


def choose(
    repo: Repository,
    names: Sequence[str],
    assignments: Sequence[str] = (),
    *,
    downstream: bool = False,
    environ: Mapping[str, str] | None = None,
    resolve: Resolve | None = None,
) -> Chosen:
    """Return the named steps and those that they need, or with `downstream` those after them.

    Raises:
        RequestError: there are no steps, none of that name, or a parameter is unknown.
    """
    settings = repo.settings
    empty = [name for name, one in settings.written_steps.items() if one.foreach is not None]
    if not settings.steps and empty:
        raise RequestError(
            f"there is no step to run: the foreach of step '{empty[0]}' is empty",
            hint=f"put something into it: foreach: [a, b], under {empty[0]}: in .mlops.yaml",
        )
    if not settings.steps:
        raise RequestError(
            "there are no steps in .mlops.yaml",
            hint="add some under steps:, or run a command: mlo run -- python train.py",
        )
    params = parameters.override(settings.params, assignments)
    steps = settings.steps
    if assignments:
        steps = expand.expand(settings.written_steps, params, max_steps=settings.max_steps)
    whole = graphs.build(steps, params)
    graph = whole.downstream(names) if downstream else whole.only(names)
    planned = plans(repo, graph, params, environ=environ, resolve=resolve)
    return Chosen(params, graph, planned)
