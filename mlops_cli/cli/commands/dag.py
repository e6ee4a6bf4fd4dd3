"""`mlo dag`."""

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.pipeline.dag import Node

_MARKS = {"up to date": "●", "stale": "○", "frozen": "■", "off": "·"}
_COLOURS = {"up to date": "green", "stale": "yellow", "frozen": "blue", "off": "dim"}
_MOST_RAILS = 42
"""Columns of a drawing; one that is wider is a list instead."""
_PLAIN = str.maketrans("●○■·│├─╮╯┼┬┴", "*o=.||-\\/+++")

StepsArgument = Annotated[
    list[str] | None, typer.Argument(help="Only what leads to these steps (default: all)")
]
DownFlag = Annotated[bool, typer.Option("--downstream", help="Show what follows the steps instead")]
EachFlag = Annotated[bool, typer.Option("--each", help="Show each step of a foreach or matrix")]
OutsFlag = Annotated[bool, typer.Option("--outs", help="Show the files that steps write")]
MermaidFlag = Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid flowchart")]
DotFlag = Annotated[bool, typer.Option("--dot", help="Print a graph in the language of Graphviz")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Show it for this value of a parameter"),
]


def dag(
    steps: StepsArgument = None,
    downstream: DownFlag = False,
    each: EachFlag = False,
    outs: OutsFlag = False,
    assignments: SetOption = None,
    mermaid: MermaidFlag = False,
    dot: DotFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the steps of the pipeline, and which need which.

    A filled mark is up to date, an empty one stale; a step comes after those that it needs.
    """
    from mlops_cli.cli.versions import resolver
    from mlops_cli.pipeline import dag as dags

    if downstream and not steps:
        raise RequestError("--downstream needs a step", hint="mlo dag STEP --downstream")
    repo = repository()
    nodes = dags.picture(
        repo,
        steps or (),
        assignments=assignments or (),
        downstream=downstream,
        each=each,
        resolve=resolver(repo),
    )
    if mermaid or dot:
        text = dags.mermaid(nodes, outs=outs) if mermaid else dags.dot(nodes, outs=outs)
        for line in text.splitlines():
            show.line(line)
        return
    show.emit(nodes, as_json=as_json, text=lambda found: _tell(found, outs=outs))


def _tell(nodes: "Sequence[Node]", *, outs: bool) -> None:
    from mlops_cli.pipeline import rails

    if not nodes:
        show.line("there are no steps in .mlops.yaml")
        return
    known = {node.name: node for node in nodes}
    drawn = rails.draw({node.name: node.needs for node in nodes})
    wide = max(len(line) for line, _ in drawn) + 2
    if wide > _MOST_RAILS:
        _list(nodes, outs=outs)
        return
    names = min(max(len(_called(node)) for node in nodes), 30) + 2
    for at, (line, name) in enumerate(drawn):
        if name is None:
            _print(line)
            continue
        node = known[name]
        mark = show.style(_MARKS[node.state], _COLOURS[node.state])
        room = _columns() - wide - max(names, len(_called(node)) + 2)
        text = f"{line.ljust(wide)}{_called(node).ljust(names)}{_clipped(_said(node), room)}"
        _print(text.rstrip(), mark)
        below = drawn[at + 1][0] if at + 1 < len(drawn) else ""
        for out in node.outs if outs else ():
            _print(f"{_carried(line, below).ljust(wide)}  {out}")


def _list(nodes: "Sequence[Node]", *, outs: bool) -> None:
    """Print the steps without rails, which would be too many, but with what each needs."""
    for node in nodes:
        mark = show.style(_MARKS[node.state], _COLOURS[node.state])
        _print(_clipped(f"*  {_called(node)}  {_said(node)}", _columns()), mark)
        if node.needs:
            more = f" and {len(node.needs) - 3} more" if len(node.needs) > 3 else ""
            _print(f"     after {', '.join(node.needs[:3])}{more}")
        for out in node.outs if outs else ():
            _print(f"     writes {out}")


def _called(node: "Node") -> str:
    return f"{node.name} ({len(node.steps)} steps)" if len(node.steps) > 1 else node.name


def _said(node: "Node") -> str:
    """Return how a step stands, in a few words."""
    if node.state in ("up to date", "frozen"):
        return node.state
    if node.stale and len(node.steps) > 1:
        count = "all" if node.stale == len(node.steps) else str(node.stale)
        return f"{count} stale: {node.reasons[0]}"
    more = f" (and {len(node.reasons) - 1} more)" if len(node.reasons) > 1 else ""
    return f"{node.state}: {node.reasons[0]}{more}" if node.reasons else node.state


def _carried(line: str, below: str) -> str:
    """Return the rails that go on from a node's line to the next."""
    return "".join(
        "│" if letter in "│*" and below[at : at + 1] not in ("", " ", "─") else " "
        for at, letter in enumerate(line)
    )


def _columns() -> int:
    """Return the width of the terminal; wide where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000


def _clipped(text: str, room: int) -> str:
    room = max(room, 12)
    return text if len(text) <= room else f"{text[: room - 3]}..."


def _print(line: str, mark: str = "") -> None:
    """Print a line with the mark of its node in colour; in plain letters where others fail."""
    try:
        f"●├{line}".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        line, mark = line.translate(_PLAIN), mark.translate(_PLAIN)
    show.line(line.replace("*", mark, 1) if mark else line)
