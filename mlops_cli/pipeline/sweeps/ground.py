"""What trials stand on: a step that can be swept, its data, and what is made once for all."""

import os
from collections.abc import Iterable, Iterator, Mapping

from mlops_cli.core.globs import is_pattern
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, pointer
from mlops_cli.errors import RequestError, StateError, stop_with
from mlops_cli.pipeline.choice import Chosen, choose
from mlops_cli.pipeline.plan import Resolve
from mlops_cli.pipeline.run import run
from mlops_cli.pipeline.sweeps.definition import Definition
from mlops_cli.pipeline.watcher import Watcher
from mlops_cli.runs.code import State
from mlops_cli.runs.params import override


@dataclass(frozen=True, slots=True)
class Ground:
    """A step and those that it needs.

    Attributes:
        before: steps that come out the same in every trial.
        versions: of models and data that steps refer to, by what they are called there: a name
            that moves while the sweep goes on changes no trial.
    """

    chosen: Chosen
    before: tuple[str, ...]
    versions: Mapping[str, ObjectId]


def survey(repo: Repository, definition: Definition, resolve: Resolve | None) -> Ground:
    """Return what the trials of a sweep run; `resolve` looks up models.

    Raises:
        RequestError: there is no such step or parameter, or nothing reads a parameter.
    """
    known = override(repo.settings.params, definition.fixed)
    override(known, [f"{name}=0" for name in definition.ranges])
    first = [f"{name}={_sample(one)}" for name, one in definition.ranges.items()]
    chosen = choose(repo, [definition.step], [*definition.fixed, *first], resolve=resolve)
    for name in definition.ranges:
        if not any(_reads(plan.params, [name]) for plan in chosen.plans.values()):
            raise RequestError(
                f"nothing that '{definition.step}' runs reads the parameter '{name}'",
                hint=f"add {name} to params: of the step in .mlops.yaml",
            )
    versions = {
        dep: oid
        for plan in chosen.plans.values()
        for dep, oid in plan.fixed.items()
        if oid is not None and not dep.startswith("env:")
    }
    return Ground(chosen, tuple(_before(chosen, definition)), versions)


def _sample(one: object) -> str:
    """Return a value of a range as `--set` takes it."""
    import json

    values = getattr(one, "values", ())
    return json.dumps(values[0] if values else getattr(one, "low", 0))


def _before(chosen: Chosen, definition: Definition) -> Iterator[str]:
    """Yield the steps that read no parameter that is searched, nor what such a step makes."""
    searched = set(definition.ranges)
    affected: set[str] = set()
    for name in chosen.graph.steps:
        reads = _reads(chosen.plans[name].params, searched)
        needs = affected.intersection(chosen.graph.needs[name])
        if reads or needs:
            affected.add(name)
        elif name != definition.step:
            yield name


def _reads(params: Iterable[str], names: Iterable[str]) -> bool:
    return any(
        one == name or one.startswith(name + ".") or name.startswith(one + ".")
        for name in names
        for one in params
    )


def inputs(repo: Repository, ground: Ground) -> list[ObjectId]:
    """Return the versioned data that the trials need.

    Raises:
        RequestError: something is neither in git nor versioned, so that no other work tree has it.
    """
    found = list(ground.versions.values())
    for name, plan in ground.chosen.plans.items():
        for path in plan.paths:
            made = next(ground.chosen.graph.makers(path), None) is not None
            if made or path in plan.optional or is_pattern(path):
                continue
            held = pointer.read(repo, path) or pointer.holder(repo, path)
            if held is not None:
                found.append(held.oid)
            elif not paths.locate(repo, path).exists():
                raise RequestError(
                    f"step '{name}' needs '{path}', which trials do not see: it is neither in git "
                    "nor versioned",
                    hint=f"mlo add {path}",
                )
    return found


def prepare(
    repo: Repository,
    ground: Ground,
    definition: Definition,
    *,
    watcher: Watcher,
    parent: str,
    name: str,
    state: State,
    resolve: Resolve | None,
) -> None:
    """Run what is the same in all trials, once, in one of their work trees.

    Raises:
        StateError: a step failed.
        KeyboardInterrupt: somebody asked to stop.
    """
    if not ground.before:
        return
    done = run(
        repo,
        ground.before,
        watcher=watcher,
        environ=os.environ,
        assignments=definition.fixed,
        name=name,
        parent=parent,
        state=state,
        resolve=resolve,
    ).run
    if done is None or done.status == "done":
        return
    if done.status == "interrupted":
        raise stop_with(done.exit_code)
    raise StateError(f"no trial can begin: {done.error}", hint=f"mlo runs show {name} --log")
