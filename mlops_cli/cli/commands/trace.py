"""`mlo trace`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.lineage.node import Node


def trace(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A prediction, batch, model, version, run, path, package or id"
        ),
    ],
    up: Annotated[bool, typer.Option("--up", help="Show only what it was made from")] = False,
    down: Annotated[bool, typer.Option("--down", help="Show only what came of it")] = False,
    depth: Annotated[
        int | None, typer.Option("--depth", min=0, metavar="N", help="Levels shown (default: all)")
    ] = None,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print a Mermaid flow chart, for Markdown")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what a prediction, model, run or file came from.

    And what came of it. A prediction leads to the version that answered, who let that version
    where, the run that made it, that run's code, environment, parameters and data, and the runs
    that made those.
    Downwards, data lead to the runs that read them, a run to its versions, and a version to
    promotions, approvals, evaluations, batches and predictions.
    """
    from pathlib import Path

    from mlops_cli.errors import RequestError
    from mlops_cli.registry.lineage.trace import trace as walk

    if mermaid and as_json:
        raise RequestError("--mermaid and --json are two forms of the same", hint="choose one")
    both = up == down
    found = walk(
        repository(), what, up=both or up, down=both or down, depth=depth, start=Path.cwd()
    )
    show.emit(found, as_json=as_json, text=_draw if mermaid else _tell)


def _draw(node: "Node") -> None:
    from mlops_cli.cli.mermaid import chart

    show.line(chart(node))


_UNDER = {"": "", "├─ ": "│  ", "└─ ": "   "}
"""What lines below a branch begin with."""


def _tell(node: "Node") -> None:
    """Print what is asked about, then what it was made from and what came of it."""
    if not (node.up and node.down):
        _tree(node, (*node.up, *node.down))
        return
    _head(node, rail="│  ")
    for title, branch, nodes in (("made from", "├─ ", node.up), ("led to", "└─ ", node.down)):
        show.line(f"{branch}{show.style(title, 'blue')}")
        _branches(nodes, _UNDER[branch])


def _tree(node: "Node", branches: "tuple[Node, ...]", stem: str = "", branch: str = "") -> None:
    under = stem + _UNDER[branch]
    _head(node, stem + branch, under, rail="│  " if branches else "   ")
    _branches(branches, under)


def _branches(nodes: "tuple[Node, ...]", under: str) -> None:
    for place, one in enumerate(nodes):
        _tree(one, (*one.up, *one.down), under, "└─ " if place == len(nodes) - 1 else "├─ ")


def _head(node: "Node", start: str = "", under: str = "", *, rail: str) -> None:
    from mlops_cli.cli.lineage_facts import short

    brief = f"  {node.id[:10]}" if node.id and node.id[:10] not in node.name else ""
    what = f"{show.style(node.kind, 'dim')} {show.style(node.name, 'bold')}{brief}"
    show.line(f"{start}{what}", rest=f"{under}{rail}")
    for name in node.facts:
        show.line(f"{under}{rail}{name}: {short(node, name)}", rest=f"{under}{rail}  ")
