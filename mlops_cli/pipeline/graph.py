"""The steps of a pipeline and which of them make what others need."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlops_cli.core.config_steps import Step
from mlops_cli.errors import RequestError


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps in an order in which each comes after those that it needs.

    Attributes:
        steps: by name, in that order.
        needs: for each step the names of the steps that make its dependencies.
    """

    steps: Mapping[str, Step]
    needs: Mapping[str, tuple[str, ...]]

    def only(self, names: Sequence[str]) -> "Graph":
        """Return the graph of these steps and all that they need; no names mean all steps.

        Raises:
            RequestError: there is no step of that name.
        """
        if not names:
            return self
        wanted: set[str] = set()
        waiting = [self._known(name) for name in names]
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += self.needs[name]
        return Graph(
            {name: step for name, step in self.steps.items() if name in wanted},
            {name: self.needs[name] for name in self.steps if name in wanted},
        )

    def makers(self, path: str) -> Iterator[str]:
        """Yield the steps with an output that is `path`, holds it, or is inside it."""
        for name, step in self.steps.items():
            if any(overlap(out, path) for out in outputs(step)):
                yield name

    def _known(self, name: str) -> str:
        if name in self.steps:
            return name
        from difflib import get_close_matches

        near = get_close_matches(name, self.steps, n=1)
        known = ", ".join(self.steps) or "none"
        raise RequestError(
            f"there is no step '{name}'",
            hint=f"mlo run {near[0]}" if near else f"steps in .mlops.yaml: {known}",
        )


def build(steps: Mapping[str, Step]) -> Graph:
    """Return the graph of `steps`, in the order they are written where that is free.

    Raises:
        RequestError: two steps write to one place, a step needs its own output, or steps need
            each other in a circle; the message names them.
    """
    places = _places(steps)
    needs: dict[str, tuple[str, ...]] = {}
    for name, step in steps.items():
        makers = {maker: dep for dep in step.deps for maker in _makers(places, dep)}
        if name in makers:
            raise RequestError(
                f"step '{name}' depends on its own output '{makers[name]}'",
                hint="take it out of deps or out of outs, or split the step in two",
            )
        needs[name] = tuple(other for other in steps if other in makers)
    ordered = _order(steps, needs)
    return Graph({name: steps[name] for name in ordered}, needs)


def outputs(step: Step) -> tuple[str, ...]:
    """Return the paths of all that a step writes: outs, metrics and plots."""
    return tuple(out.path for out in step.files)


def overlap(one: str, other: str) -> bool:
    """Return whether two paths are one, or one is inside the other.

    >>> overlap("data", "data/raw.csv"), overlap("data", "database")
    (True, False)
    """
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _places(steps: Mapping[str, Step]) -> dict[str, str]:
    """Return the step that writes each output, by path."""
    places: dict[str, str] = {}
    for name, step in steps.items():
        for path in outputs(step):
            if path in places:
                raise RequestError(
                    f"steps '{places[path]}' and '{name}' both write '{path}'",
                    hint="let one step write it",
                )
            places[path] = name
    for path, name in places.items():
        for above in _above(path):
            if above in places:
                raise RequestError(
                    f"step '{name}' writes '{path}' inside '{above}', which step "
                    f"'{places[above]}' writes",
                    hint="give each output a place of its own",
                )
    return places


def _above(path: str) -> Iterator[str]:
    """Yield the folders that hold a path, nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _makers(places: Mapping[str, str], dep: str) -> Iterable[str]:
    """Yield the steps that make a dependency: it, a folder that holds it, or something in it."""
    for path in (dep, *_above(dep)):
        if path in places:
            yield places[path]
            return
    inside = dep + "/"
    for path, name in places.items():
        if path.startswith(inside):
            yield name


def _order(steps: Mapping[str, Step], needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the names so that each comes after those it needs."""
    ordered: list[str] = []
    done: set[str] = set()
    for start in steps:
        path: list[str] = []
        waiting = [start]
        while waiting:
            name = waiting[-1]
            if name in done:
                waiting.pop()
                continue
            if path and path[-1] == name:
                path.pop()
                waiting.pop()
                done.add(name)
                ordered.append(name)
                continue
            path.append(name)
            for other in reversed(needs[name]):
                if other in path:
                    raise _circle(path[path.index(other) :], steps)
                if other not in done:
                    waiting.append(other)
    return ordered


def _circle(names: list[str], steps: Mapping[str, Step]) -> RequestError:
    needed_first = " -> ".join([*reversed(names), names[-1]])
    last, first = names[-1], names[0]
    through = next(
        dep for dep in steps[last].deps if any(overlap(dep, out) for out in outputs(steps[first]))
    )
    return RequestError(
        f"steps need each other in a circle: {needed_first}",
        hint=f"break it, such as at '{through}', which '{last}' needs and '{first}' makes",
    )
