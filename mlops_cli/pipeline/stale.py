"""Why each step is stale: what differs from what `mlo.lock` says it last consumed and produced.

Cheap enough for `mlo status`: it reads the settings, `mlo.lock` and files that look changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_cli.core.config_steps import Step
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lockfile import Lock, LockedStep, read
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.graph import Graph
from mlops_cli.runs import params as parameters
from mlops_cli.runs import secrets


@dataclass(frozen=True, slots=True)
class StepState:
    """One step, and why it is stale; no reasons mean that it is up to date."""

    name: str
    reasons: tuple[str, ...]

    @property
    def stale(self) -> bool:
        """Whether it needs to run, or its outputs to be brought back."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step would run with now.

    Attributes:
        line: the command with parameters filled in.
        cmd: the same without secrets, as it is kept and compared.
        params: those that it declares or its command names, by dotted name, without secrets.
    """

    step: Step
    line: str | tuple[str, ...]
    cmd: str | tuple[str, ...]
    params: Mapping[str, Any]

    @property
    def env(self) -> Mapping[str, str]:
        """The variables of the environment that the step runs with, beside those of ours."""
        return self.step.env


def states(repo: Repository, graph: Graph | None = None) -> list[StepState]:
    """Return each step of the pipeline and why it is stale, in the order they would run.

    Raises:
        RequestError: the settings, `mlo.lock` or the graph are wrong.
    """
    settings = repo.settings
    chosen = graphs.build(settings.steps) if graph is None else graph
    plans = {name: plan(step, settings.params) for name, step in chosen.steps.items()}
    return check(repo, chosen, plans, read(repo.layout.lockfile))


def check(repo: Repository, graph: Graph, plans: Mapping[str, Plan], lock: Lock) -> list[StepState]:
    """Return each step and why it is stale, given what it would run with.

    A step whose dependency is made by a stale step is stale too.
    """
    found: dict[str, StepState] = {}
    for name in graph.steps:
        upstream = [other for other in graph.needs[name] if other in found and found[other].stale]
        reasons = _reasons(repo, graph, plans[name], lock.get(name), upstream)
        found[name] = StepState(name, tuple(reasons))
    return list(found.values())


def plan(step: Step, params: Mapping[str, Any]) -> Plan:
    """Return what a step would run with, given nested parameters.

    Raises:
        RequestError: it names a parameter that is not there.
    """
    line = parameters.fill(step.cmd, params, step=step.name)
    shown = secrets.masked(params)
    cmd = secrets.masked_command(parameters.fill(step.cmd, shown, step=step.name))
    names = [*step.params, *parameters.named(step.cmd)]
    return Plan(step, line, cmd, parameters.pick(shown, names, step=step.name))


def difference(plan: Plan, deps: Mapping[str, ObjectId | None], locked: LockedStep) -> list[str]:
    """Return how what a step would run with differs from what it last ran with.

    `deps` are the ids of its dependencies now, None for what is not there.
    """
    reasons = []
    if plan.cmd != locked.cmd and not _explained(plan, locked):
        reasons.append("the command changed")
    for name in sorted(plan.params.keys() | locked.params.keys()):
        if name not in locked.params:
            reasons.append(f"parameter {name} is new")
        elif name not in plan.params:
            reasons.append(f"parameter {name} is no longer used")
        elif plan.params[name] != locked.params[name] or type(plan.params[name]) is not type(
            locked.params[name]
        ):
            reasons.append(f"parameter {name}: {locked.params[name]} -> {plan.params[name]}")
    for path in sorted(deps.keys() | locked.deps.keys()):
        if path not in deps:
            reasons.append(f"no longer needs {path}")
        elif deps[path] is None:
            reasons.append(f"{path} is missing")
        elif path not in locked.deps:
            reasons.append(f"needs {path}, which is new")
        elif deps[path] != locked.deps[path]:
            reasons.append(f"{path} changed")
    if set(graphs.outputs(plan.step)) != set(locked.outs):
        reasons.append("its list of outputs changed")
    return reasons


def _explained(plan: Plan, locked: LockedStep) -> bool:
    """Return whether the command differs only by the values of parameters."""
    try:
        before = parameters.nest(locked.params)
        line = parameters.fill(plan.step.cmd, before, step=plan.step.name)
        return secrets.masked_command(line) == locked.cmd
    except RequestError:
        return False


def current(repo: Repository, path: str) -> ObjectId | None:
    """Return the id of what is at a path of the work tree, or None when nothing is there."""
    target = paths.locate(repo, path)
    if not target.exists() and not target.is_symlink():
        return None
    return snapshot.take(repo, target).oid


def inputs(repo: Repository, plan: Plan) -> dict[str, ObjectId | None]:
    """Return the id of each thing that a step depends on as it is now, None for what is missing."""
    return {dep: current(repo, dep) for dep in plan.step.deps}


def paths_of(step: Step) -> Iterable[str]:
    """Return the files and folders that a step depends on."""
    return step.deps


def is_path(dep: str) -> bool:
    """Return whether a dependency, as `inputs` names it, is a path of the work tree."""
    return ":" not in dep


def _reasons(
    repo: Repository,
    graph: Graph,
    plan: Plan,
    locked: LockedStep | None,
    upstream: list[str],
) -> list[str]:
    if locked is None:
        return ["it has never run"]
    made = {
        dep: maker
        for maker in upstream
        for dep in plan.step.deps
        if any(graphs.overlap(dep, out) for out in graphs.outputs(graph.steps[maker]))
    }
    # what a stale step is going to make again is not compared: it is about to change
    settled: dict[str, ObjectId | None] = {
        dep: locked.deps.get(dep) if dep in made else current(repo, dep) for dep in plan.step.deps
    }
    reasons = difference(plan, settled, locked)
    reasons += [f"{dep} is made by {maker}, which is stale" for dep, maker in made.items()]
    for path, out in locked.outs.items():
        if path in graphs.outputs(plan.step):
            now = current(repo, path)
            if now != out.oid:
                reasons.append(f"its output {path} " + ("is missing" if now is None else "changed"))
    return reasons
