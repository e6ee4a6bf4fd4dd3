"""Why each step is stale: what differs from what `mlo.lock` says it last consumed and produced.

Cheap enough for `mlo status`: it reads the settings, `mlo.lock` and files that look changed.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlops_cli.core import filling
from mlops_cli.core.config_steps import is_path
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lockfile import Lock, LockedStep, read
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.inputs import Look
from mlops_cli.pipeline.plan import Plan, Resolve, plans
from mlops_cli.runs import params as parameters
from mlops_cli.runs import secrets

MOST_TOLD = 10
"""As many changed dependencies of one step are named."""
_VALUE = 40
Inside = Callable[[str, ObjectId], str]


@dataclass(frozen=True, slots=True)
class StepState:
    """One step, and why it is stale; no reasons mean that it is up to date."""

    name: str
    reasons: tuple[str, ...]
    waits: bool = False
    """Whether a stale step is about to make something that it needs again."""

    @property
    def stale(self) -> bool:
        """Whether it needs to run, or its outputs to be brought back."""
        return bool(self.reasons)


def states(
    repo: Repository, graph: Graph | None = None, *, resolve: Resolve | None = None
) -> list[StepState]:
    """Return each step of the pipeline and why it is stale, in the order they would run.

    `resolve` looks up the models that steps refer to.

    Raises:
        RequestError: the settings, `mlo.lock` or the graph are wrong.
    """
    settings = repo.settings
    chosen = graphs.build(settings.steps, settings.params) if graph is None else graph
    planned = plans(repo, chosen, settings.params, resolve=resolve)
    return check(repo, chosen, planned, read(repo.layout.lockfile))


def check(repo: Repository, graph: Graph, plans: Mapping[str, Plan], lock: Lock) -> list[StepState]:
    """Return each step and why it is stale, given what it would run with.

    A step whose dependency is made by a stale step is stale too.
    """
    found: dict[str, StepState] = {}
    look = Look(repo)
    for name in graph.steps:
        upstream = {other for other in graph.needs[name] if other in found and found[other].stale}
        reasons = _reasons(look, graph, plans[name], lock.get(name), upstream)
        if graph.steps[name].validate and not upstream and not reasons:
            from mlops_cli.pipeline import gate

            reasons = list(gate.reasons(repo, graph.steps[name]))
        found[name] = StepState(name, tuple(reasons), bool(upstream))
    return list(found.values())


def difference(
    plan: Plan,
    deps: Mapping[str, ObjectId | None],
    locked: LockedStep,
    *,
    inside: Inside = lambda *_: "",
) -> list[str]:
    """Return how what a step would run with differs from what it last ran with.

    `deps` are the ids of its dependencies now, None for what is not there. A frozen step does not
    differ, whatever changed. `inside` says which files of a folder are not as in a version of it.
    """
    if plan.step.frozen:
        return []
    reasons = []
    if plan.cmd != locked.cmd and not _explained(plan, locked):
        reasons.append("the command changed")
    if plan.step.workdir != locked.workdir:
        reasons.append("the folder it runs in changed")
    reasons += _changed_params(plan.params, locked.params)
    changed = list(_changed_deps(deps, locked.deps, inside))
    reasons += changed[:MOST_TOLD]
    if len(changed) > MOST_TOLD:
        reasons.append(f"{len(changed) - MOST_TOLD} more of its dependencies changed")
    if set(graphs.outputs(plan.step)) != set(locked.written):
        reasons.append("its list of outputs changed")
    return reasons


def _changed_params(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(now.keys() | before.keys()):
        if name not in before:
            yield f"parameter {name} is new"
        elif name not in now:
            yield f"parameter {name} is no longer used"
        elif now[name] != before[name] or type(now[name]) is not type(before[name]):
            yield f"parameter {name}: {_short(before[name])} -> {_short(now[name])}"


def _short(value: Any) -> str:
    text = filling.word(value).replace("\n", " ")
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 3]}..."


def _changed_deps(
    now: Mapping[str, ObjectId | None], before: Mapping[str, ObjectId], inside: Inside
) -> Iterator[str]:
    told = 0
    for dep in sorted(now.keys() | before.keys()):
        if dep in now and now[dep] == before.get(dep):
            if now[dep] is None:
                yield f"{_called(dep)} is missing"
        elif dep not in now:
            yield f"no longer needs {_called(dep)}"
        elif now[dep] is None:
            yield f"{_called(dep)} is missing"
        elif dep not in before:
            yield f"needs {_called(dep)}, which is new"
        else:
            told += 1
            which = inside(dep, before[dep]) if told <= MOST_TOLD and is_path(dep) else ""
            yield f"{_called(dep)} changed{which}"


def _called(dep: str) -> str:
    """Return what people call a dependency."""
    if is_path(dep):
        return dep
    kind, _, name = dep.partition(":")
    return f"variable {name}" if kind == "env" else f"{kind} {name}"


def _explained(plan: Plan, locked: LockedStep) -> bool:
    """Return whether the command differs only by the values of parameters."""
    try:
        own = {name: value for name, value in locked.params.items() if ":" not in name}
        line = parameters.fill(plan.step.cmd, parameters.nest(own), step=plan.step.name)
        return secrets.masked_command(line) == locked.cmd
    except RequestError:
        return False


def _reasons(
    look: Look, graph: Graph, plan: Plan, locked: LockedStep | None, upstream: set[str]
) -> list[str]:
    step = plan.step
    if locked is None:
        if step.frozen and all(look.current(out.path) for out in step.files):
            return []
        return ["it has never run", *_missing(look, graph, plan)]
    made: dict[str, str] = {}
    settled: dict[str, ObjectId | None] = dict(plan.fixed)
    for dep in () if step.frozen else plan.paths:
        maker = next((one for one in graph.makers(dep) if one in upstream), None)
        if maker is None:
            settled.update(look.of(plan, dep))
        else:
            made[dep] = maker
            settled.update(_as_before(dep, graph, locked))
    reasons = difference(plan, settled, locked, inside=look.inside)
    reasons += _waiting(made)
    written = {out.path for out in step.files}
    for path, out in locked.written.items():
        if path in written:
            now = look.current(path)
            if now is None or (now != out.oid and not step.frozen):
                reasons.append(f"its output {path} " + ("is missing" if now is None else "changed"))
    return reasons


def _missing(look: Look, graph: Graph, plan: Plan) -> Iterator[str]:
    """Yield what a step that never ran would lack."""
    for dep, oid in plan.fixed.items():
        if oid is None:
            yield f"{_called(dep)} is missing"
    for dep in plan.paths:
        if next(graph.makers(dep), None) is None and None in look.of(plan, dep).values():
            yield f"{dep} is missing"


def _waiting(made: Mapping[str, str]) -> list[str]:
    """Return which dependencies are about to be made again, given with their steps."""
    if len(made) <= MOST_TOLD:
        return [f"{dep} is made by {maker}, which is stale" for dep, maker in made.items()]
    first = next(iter(made.values()))
    return [f"{len(made)} of its dependencies are made by stale steps, such as {first}"]


def _as_before(dep: str, graph: Graph, locked: LockedStep) -> dict[str, ObjectId | None]:
    """Return what a dependency was that is about to be made again, and so is not compared."""
    if not is_pattern(dep):
        return {dep: locked.deps.get(dep)} if dep in locked.deps else {}
    places = graph.places.touching(dep)
    return {
        path: oid
        for path, oid in locked.deps.items()
        if any(graphs.overlap(path, place) for place in places)
    }
