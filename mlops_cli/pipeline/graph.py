"""The steps of a pipeline and which of them make what others need."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlops_cli.core.config_steps import Step
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.places import Places


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps in an order in which each comes after those that it needs.

    Attributes:
        steps: by name, in that order; those that are off are not among them.
        needs: for each step the names of the steps that make its dependencies.
        off: steps that do not run for these parameters, and why.
        every: all steps, those that are off and those left out by `only` too.
        groups: the steps that were written as one.
        places: where all of these write.
    """

    steps: Mapping[str, Step]
    needs: Mapping[str, tuple[str, ...]]
    off: Mapping[str, str] = field(default_factory=dict)
    every: Mapping[str, Step] = field(default_factory=dict, repr=False)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    places: Places = field(default_factory=lambda: Places({}), compare=False, repr=False)

    def only(self, names: Sequence[str]) -> "Graph":
        """Return the graph of these steps and all that they need; no names mean all steps.

        The name of a group stands for all steps in it.

        Raises:
            RequestError: there is no step of that name, or it is off.
        """
        if not names:
            return self
        return self._restricted(_reached(self.known(names), self.needs))

    def downstream(self, names: Sequence[str]) -> "Graph":
        """Return the graph of these steps and all that need what they make.

        Raises:
            RequestError: as of `only`.
        """
        users: dict[str, list[str]] = {name: [] for name in self.steps}
        for name, needed in self.needs.items():
            for other in needed:
                users[other].append(name)
        return self._restricted(_reached(self.known(names), users))

    def known(self, names: Iterable[str]) -> list[str]:
        """Return the steps that names of steps and groups stand for.

        Raises:
            RequestError: there is no step of that name, or it is off.
        """
        found: list[str] = []
        for name in names:
            here = [one for one in self.members([name]) if one in self.steps]
            if not here:
                raise self._unknown(name)
            found += here
        return found

    def makers(self, path: str) -> Iterator[str]:
        """Yield the steps with an output that is `path`, holds it, or is inside it."""
        for name in dict.fromkeys(self.places.makers(path)):
            if name in self.steps:
                yield name

    def is_off(self, path: str) -> bool:
        """Return whether only steps that are off make what is at a path."""
        if not self.off:
            return False
        makers = set(self.places.makers(path))
        return bool(makers) and makers <= self.off.keys()

    def members(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the steps that names of steps and groups stand for, those that are off too."""
        for name in names:
            if name in self.every:
                yield name
            else:
                yield from self.groups.get(name, ())

    def _restricted(self, wanted: set[str]) -> "Graph":
        return replace(
            self,
            steps={name: step for name, step in self.steps.items() if name in wanted},
            needs={
                name: tuple(other for other in self.needs[name] if other in wanted)
                for name in self.steps
                if name in wanted
            },
        )

    def _unknown(self, name: str) -> RequestError:
        off = next((one for one in self.members([name]) if one in self.off), None)
        if off is not None:
            return RequestError(
                f"step '{name}' is off: {self.off[off]}", hint="mlo dag shows which steps run"
            )
        from difflib import get_close_matches

        every = [*self.groups, *self.steps]
        near = get_close_matches(name, every, n=1)
        listed = list(dict.fromkeys(step.group or one for one, step in self.every.items()))
        shown = ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
        return RequestError(
            f"there is no step '{name}'",
            hint=f"did you mean '{near[0]}'?"
            if near
            else f"steps in .mlops.yaml: {shown or 'none'}",
        )


def build(steps: Mapping[str, Step], params: Mapping[str, Any] | None = None) -> Graph:
    """Return the graph of `steps`, in the order they are written where that is free.

    With `params`, steps whose `when` does not hold for them are off, and so are steps that need
    only what those make.

    Raises:
        RequestError: two steps write to one place, a step needs its own output, or steps need
            each other in a circle; the message names them.
    """
    places = Places(steps)
    groups = _groups(steps)
    rank = {name: at for at, name in enumerate(steps)}
    needs: dict[str, tuple[str, ...]] = {}
    for name, step in steps.items():
        makers = _makers(step, places, groups, rank)
        if name in makers:
            raise _needs_itself(step, makers[name], places)
        _check_references(step, places)
        needs[name] = tuple(sorted(makers, key=rank.__getitem__))
    ordered = _order(steps, needs, places)
    off = {} if params is None else _off(steps, needs, ordered, params)
    return Graph(
        {name: steps[name] for name in ordered if name not in off},
        {
            name: tuple(one for one in needs[name] if one not in off) if off else needs[name]
            for name in steps
            if name not in off
        },
        off,
        steps,
        groups,
        places,
    )


def outputs(step: Step) -> tuple[str, ...]:
    """Return the paths of all that a step writes: outs, metrics and plots."""
    return tuple(out.path for out in step.files)


def overlap(one: str, other: str) -> bool:
    """Return whether two paths are one, or one is inside the other.

    >>> overlap("data", "data/raw.csv"), overlap("data", "database")
    (True, False)
    """
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _groups(steps: Mapping[str, Step]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, step in steps.items():
        if step.group is not None:
            groups.setdefault(step.group, []).append(name)
    return groups


def _makers(
    step: Step, places: Places, groups: Mapping[str, list[str]], rank: Mapping[str, int]
) -> dict[str, str]:
    """Return the steps that a step needs, each with a dependency that it makes."""
    makers: dict[str, str] = {}
    for dep in step.deps:
        for maker in places.makers(dep):
            makers[maker] = dep
    for file in step.param_files:
        for maker in places.makers(file):
            raise RequestError(
                f"{step.where}step '{step.name}' reads parameters from '{file}', "
                f"which step '{maker}' writes",
                hint="parameters are known before any step runs: depend on it by deps",
            )
    for name in step.steps:
        if name not in rank and name not in groups:
            raise RequestError(
                f"{step.where}step '{step.name}' needs the step '{name}', which is not there"
            )
        makers.update(dict.fromkeys(groups.get(name, [name]), name))
    return makers


def _needs_itself(step: Step, dep: str, places: Places) -> RequestError:
    if not is_pattern(dep):
        problem = f"depends on its own output '{dep}'"
        hint = "take it out of deps or out of outs, or split the step in two"
    else:
        out = next(path for path in places.touching(dep) if places.made[path] == step.name)
        problem = f"depends on '{dep}', which its own output '{out}' matches"
        hint = "write it to another folder, or name what the step reads"
    return RequestError(f"{step.where}step '{step.name}' {problem}", hint=hint)


def _check_references(step: Step, places: Places) -> None:
    """Refuse to put a version of a model or of data where a step writes."""
    for one in step.references:
        for path in places.touching(one.path) if one.path else ():
            raise RequestError(
                f"{step.where}step '{step.name}' has {one.kind} '{one.name}' put at '{one.path}', "
                f"where step '{places.made[path]}' writes '{path}'",
                hint="give it a path of its own",
            )


def _reached(names: Iterable[str], ways: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += ways[name]
    return found


def _order(
    steps: Mapping[str, Step], needs: Mapping[str, tuple[str, ...]], places: Places
) -> list[str]:
    """Return the names so that each comes after those it needs."""
    ordered: list[str] = []
    done: set[str] = set()
    for start in steps:
        path: dict[str, None] = {}
        waiting = [start]
        while waiting:
            name = waiting[-1]
            if name in done:
                waiting.pop()
                continue
            if name in path:
                path.popitem()
                waiting.pop()
                done.add(name)
                ordered.append(name)
                continue
            path[name] = None
            for other in reversed(needs[name]):
                if other in path:
                    names = list(path)
                    raise _circle(names[names.index(other) :], steps, places)
                if other not in done:
                    waiting.append(other)
    return ordered


def _circle(names: list[str], steps: Mapping[str, Step], places: Places) -> RequestError:
    needed_first = " -> ".join([*reversed(names), names[-1]])
    last, first = names[-1], names[0]
    through = next((dep for dep in steps[last].deps if first in places.makers(dep)), None)
    at = f"'{through}'" if through else f"{{step: {steps[first].group or first}}}"
    return RequestError(
        f"{steps[last].where}steps need each other in a circle: {needed_first}",
        hint=f"break it, such as at {at}, which '{last}' needs and '{first}' makes",
    )


def _off(
    steps: Mapping[str, Step],
    needs: Mapping[str, tuple[str, ...]],
    ordered: Sequence[str],
    params: Mapping[str, Any],
) -> dict[str, str]:
    """Return the steps that are off for these parameters, and why."""
    off: dict[str, str] = {}
    held: dict[str, bool] = {}
    for name in ordered:
        when = steps[name].when
        if when is not None:
            if when not in held:
                held[when] = _holds(when, params, name)
            if not held[when]:
                off[name] = f"'{when}' does not hold"
                continue
        if needs[name] and all(other in off for other in needs[name]):
            off[name] = f"it needs only what {needs[name][0]} makes, which is off"
    return off


def _holds(when: str, params: Mapping[str, Any], step: str) -> bool:
    from mlops_cli.core import conditions, expression
    from mlops_cli.core.filling import MISSING, look_up

    def value_of(name: str) -> Any:
        found = look_up(params, name)
        return conditions.MISSING if found is MISSING else found

    return expression.parse(when, where=f"when of step '{step}'").holds(value_of)
