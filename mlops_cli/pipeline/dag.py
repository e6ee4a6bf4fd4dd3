"""The pipeline as a picture: each step with how it stands, and what it needs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from mlops_cli.core import expand, lockfile
from mlops_cli.core.config_steps import Step
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline import stale
from mlops_cli.pipeline.plan import Resolve, plans
from mlops_cli.pipeline.stale import StepState
from mlops_cli.runs import params as parameters

Standing = Literal["up to date", "stale", "frozen", "off"]


@dataclass(frozen=True, slots=True)
class Node:
    """A step, or the steps that were written as one.

    Attributes:
        steps: names of the steps that it stands for.
        needs: names of the nodes that make its dependencies.
        outs: paths that it writes.
        state: how it stands; stale if one of its steps is, off if all are.
        reasons: why it is stale or off.
        stale: how many of its steps are stale.
        desc: what it is for, as the settings say.
    """

    name: str
    steps: tuple[str, ...]
    needs: tuple[str, ...]
    outs: tuple[str, ...]
    state: Standing
    reasons: tuple[str, ...]
    stale: int
    desc: str | None


def picture(
    repo: Repository,
    names: Sequence[str] = (),
    *,
    assignments: Sequence[str] = (),
    downstream: bool = False,
    each: bool = False,
    resolve: Resolve | None = None,
) -> list[Node]:
    """Return the steps that lead to the named ones, or follow them, each after those it needs.

    No names mean all steps, those that are off too. Steps of a group are one node unless `each` is
    set, or a name is that of one of them.

    Raises:
        RequestError: there is no such step, or the graph is wrong.
    """
    settings = repo.settings
    params = parameters.override(settings.params, assignments)
    steps = settings.steps
    if assignments:
        steps = expand.expand(settings.written_steps, params, max_steps=settings.max_steps)
    active = graphs.build(steps, params)
    planned = plans(repo, active, params, resolve=resolve)
    states = stale.check(repo, active, planned, lockfile.read(repo.layout.lockfile))
    whole = graphs.build(steps)
    chosen = whole.downstream(names) if downstream and names else whole.only(names)
    known = {one.name: one for one in states}
    alone = {
        name: _node(step, chosen.needs[name], known.get(name), active.off.get(name))
        for name, step in chosen.steps.items()
    }
    if each or any("@" in name for name in names):
        return list(alone.values())
    return _gathered(alone, chosen.steps)


def _node(step: Step, needs: tuple[str, ...], state: StepState | None, off: str | None) -> Node:
    outs = graphs.outputs(step)
    if state is None:
        reasons = (off,) if off else ()
        return Node(step.name, (step.name,), needs, outs, "off", reasons, 0, step.desc)
    standing: Standing = "stale" if state.stale else "frozen" if step.frozen else "up to date"
    many = (step.name,)
    return Node(step.name, many, needs, outs, standing, state.reasons, int(state.stale), step.desc)


def _gathered(nodes: Mapping[str, Node], steps: Mapping[str, Step]) -> list[Node]:
    """Return the nodes with each group as one, except where it would need itself."""
    called = {name: steps[name].group or name for name in nodes}
    while True:
        groups: dict[str, list[Node]] = {}
        for name, node in nodes.items():
            groups.setdefault(called[name], []).append(node)
        found = {name: _joined(name, inner, called) for name, inner in groups.items()}
        ordered = _in_order(found)
        if ordered is not None:
            return ordered
        called = _apart(called, found)


def _joined(name: str, nodes: Sequence[Node], called: Mapping[str, str]) -> Node:
    needs = dict.fromkeys(called[other] for node in nodes for other in node.needs)
    needs.pop(name, None)
    if len(nodes) == 1 and nodes[0].name == name:
        one = nodes[0]
        return Node(
            name, one.steps, tuple(needs), one.outs, one.state, one.reasons, one.stale, one.desc
        )
    states = {node.state for node in nodes}
    on = states - {"off"}
    state: Standing = "stale" if "stale" in states else next(iter(on)) if len(on) == 1 else "off"
    if len(on) > 1 and state != "stale":
        state = "up to date"
    return Node(
        name,
        tuple(node.name for node in nodes),
        tuple(needs),
        tuple(out for node in nodes for out in node.outs),
        state,
        tuple(dict.fromkeys(why for node in nodes for why in node.reasons)),
        sum(node.stale for node in nodes),
        nodes[0].desc,
    )


def _in_order(nodes: Mapping[str, Node]) -> list[Node] | None:
    """Return the nodes so that each comes after those it needs; None where they need each other."""
    import heapq

    names = list(nodes)
    rank = {name: at for at, name in enumerate(names)}
    missing = {name: len(node.needs) for name, node in nodes.items()}
    users: dict[str, list[str]] = {name: [] for name in names}
    for name, node in nodes.items():
        for other in node.needs:
            users[other].append(name)
    ready = [rank[name] for name in names if not missing[name]]
    ordered: list[Node] = []
    while ready:
        name = names[heapq.heappop(ready)]
        ordered.append(nodes[name])
        for user in users[name]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, rank[user])
    return ordered if len(ordered) == len(nodes) else None


def _apart(called: Mapping[str, str], found: Mapping[str, Node]) -> dict[str, str]:
    """Return the names with one group less: one of those that keep others from an order."""
    left = dict(found)
    while ready := [
        name for name, node in left.items() if not any(one in left for one in node.needs)
    ]:
        for name in ready:
            del left[name]
    group = next(name for name, node in left.items() if len(node.steps) > 1)
    return {name: name if one == group else one for name, one in called.items()}


def mermaid(nodes: Sequence[Node], *, outs: bool = False) -> str:
    """Return the picture as a Mermaid flowchart, which GitHub and GitLab draw."""
    ids = _ids(nodes)
    lines = ["flowchart TD"]
    for node in nodes:
        lines.append(f'    {ids[node.name]}["{_escaped(_label(node))}"]:::{_class(node)}')
        lines += [f"    {ids[other]} --> {ids[node.name]}" for other in node.needs]
        for at, out in enumerate(node.outs if outs else ()):
            file = f"{ids[node.name]}o{at}"
            lines += [f'    {file}(["{_escaped(out)}"])', f"    {ids[node.name]} -.-> {file}"]
    lines += [f"    classDef {name} {look}" for name, (look, _) in _LOOKS.items()]
    return "\n".join(lines)


def dot(nodes: Sequence[Node], *, outs: bool = False) -> str:
    """Return the picture in Graphviz's language: `mlo dag --dot | dot -Tsvg`."""
    ids = _ids(nodes)
    lines = ["digraph pipeline {", '    node [shape=box, style="rounded,filled"];']
    for node in nodes:
        colour = _LOOKS[_class(node)][1]
        lines.append(f'    {ids[node.name]} [label={_quoted(_label(node))}, fillcolor="{colour}"];')
        lines += [f"    {ids[other]} -> {ids[node.name]};" for other in node.needs]
        for at, out in enumerate(node.outs if outs else ()):
            file = f"{ids[node.name]}o{at}"
            lines += [
                f'    {file} [label={_quoted(out)}, shape=note, fillcolor="#ffffff"];',
                f"    {ids[node.name]} -> {file} [style=dotted];",
            ]
    return "\n".join([*lines, "}"])


_LOOKS = {
    "fresh": ("fill:#e6f4ea,stroke:#137333", "#e6f4ea"),
    "stale": ("fill:#fef7e0,stroke:#b06000", "#fef7e0"),
    "frozen": ("fill:#e8f0fe,stroke:#174ea6", "#e8f0fe"),
    "off": ("fill:#f1f3f4,stroke:#9aa0a6,stroke-dasharray:4", "#f1f3f4"),
}


def _class(node: Node) -> str:
    return "fresh" if node.state == "up to date" else node.state


def _label(node: Node) -> str:
    return f"{node.name} ({len(node.steps)} steps)" if len(node.steps) > 1 else node.name


def _ids(nodes: Iterable[Node]) -> dict[str, str]:
    """Return a name for each node that every language can read."""
    return {node.name: f"s{at}" for at, node in enumerate(nodes)}


def _escaped(text: str) -> str:
    for letter, code in (
        ("\n", " "),
        ("&", "#amp;"),
        ('"', "#quot;"),
        ("<", "#lt;"),
        (">", "#gt;"),
    ):
        text = text.replace(letter, code)
    return text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
