"""What each step would run with now: its command, parameters, and all that it depends on."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlops_cli.core.config_steps import Reference, Step
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.graph import Graph, outputs
from mlops_cli.runs import params as parameters
from mlops_cli.runs import secrets
from mlops_cli.runs.param_files import ParamFiles

Resolve = Callable[[Reference], ObjectId | None]
"""Returns the id of what a reference means; raises RequestError where it means nothing.

None for a version of data leaves it to pointers and git.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step would run with now.

    Attributes:
        line: the command with parameters filled in.
        cmd: the same without secrets, as it is kept and compared.
        params: those that it declares or its command names, by dotted name, without secrets.
        paths: files, folders and patterns that it depends on, outputs of other steps too.
        fixed: ids of variables of the environment and of references, by what they are called
            among dependencies, such as `env:NAME`; None for a reference that means nothing.
        optional: those of `paths` that only steps make that are off: it does without.
    """

    step: Step
    line: str | tuple[str, ...]
    cmd: str | tuple[str, ...]
    params: Mapping[str, Any]
    paths: tuple[str, ...] = ()
    fixed: Mapping[str, ObjectId | None] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    @property
    def env(self) -> Mapping[str, str]:
        """The variables of the environment that the step runs with, beside those of ours."""
        return self.step.env


def plans(
    repo: Repository,
    graph: Graph,
    params: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    resolve: Resolve | None = None,
) -> dict[str, Plan]:
    """Return what each step of a graph would run with, given nested parameters.

    `resolve` looks up models; those that it cannot find are missing, as all are without it.

    Raises:
        RequestError: a step names a parameter that is not there.
    """
    here = os.environ if environ is None else environ
    planner = _Planner(repo, graph, params, here, resolve)
    return {name: planner.plan(step) for name, step in graph.steps.items()}


class _Planner:
    def __init__(
        self,
        repo: Repository,
        graph: Graph,
        params: Mapping[str, Any],
        environ: Mapping[str, str],
        resolve: Resolve | None,
    ) -> None:
        self._repo = repo
        self._graph = graph
        self._params = params
        self._shown = secrets.masked(params)
        self._files = ParamFiles(repo.root)
        self._environ = environ
        self._resolve = resolve
        self._resolved: dict[Reference, ObjectId | None] = {}

    def plan(self, step: Step) -> Plan:
        """Return what one step would run with.

        Raises:
            RequestError: a parameter is not there; the message says where the step is written.
        """
        try:
            return self._planned(step)
        except RequestError as error:
            raise RequestError(f"{step.where}{error.message}", hint=error.hint) from error

    def _planned(self, step: Step) -> Plan:
        line = parameters.fill(step.cmd, self._params, step=step.name)
        shown = line
        if self._shown != self._params:
            shown = parameters.fill(step.cmd, self._shown, step=step.name)
        paths = tuple(dict.fromkeys(self._paths(step)))
        return Plan(
            step,
            line,
            secrets.masked_command(shown),
            self._picked(step),
            paths,
            dict(self._fixed(step)),
            frozenset(path for path in paths if self._graph.is_off(path)),
        )

    def _picked(self, step: Step) -> dict[str, Any]:
        names = [*step.params, *parameters.named(step.cmd)]
        picked = parameters.pick(self._shown, names, step=step.name) if names else {}
        for file, keys in step.param_files.items():
            picked |= secrets.masked(self._files.pick(file, keys, step=step.name))
        return picked

    def _paths(self, step: Step) -> Iterator[str]:
        yield from step.deps
        for name in self._graph.members(step.steps):
            yield from outputs(self._graph.every[name])

    def _fixed(self, step: Step) -> Iterator[tuple[str, ObjectId | None]]:
        for name in (*step.variables, *step.env):
            value = step.env.get(name, self._environ.get(name))
            yield f"env:{name}", _id_of(name, value)
        for reference in step.references:
            if reference not in self._resolved:
                self._resolved[reference] = self._look_up(reference)
            yield reference.key, self._resolved[reference]

    def _look_up(self, reference: Reference) -> ObjectId | None:
        try:
            found = None if self._resolve is None else self._resolve(reference)
            if found is None and reference.kind == "data":
                from mlops_cli.data.reference import resolve

                return resolve(self._repo, reference.name).oid
            return found
        except RequestError:
            return None


def _id_of(name: str, value: str | None) -> ObjectId:
    """Return what stands for the value of a variable: never the value, nor of a secret its hash."""
    if value is None:
        return object_id(b"unset")
    if secrets.is_secret(name) or secrets.masked_command(value) != value:
        return object_id(b"set")
    return object_id(b"=" + os.fsencode(value))
