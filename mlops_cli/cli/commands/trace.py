"""`mlo trace`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.lineage import Node


def trace(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A prediction, batch, model, version, run, path, or object id"
        ),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Show what made a prediction, model, run or file.

    A prediction leads to the version that answered, who let that version where, the run that
    made it, and that run's code, environment, parameters and data. Data lead to the runs that read
    them and the versions that came of it.
    """
    from mlops_cli.registry.lineage import trace as walk

    show.emit(walk(repository(), what), as_json=as_json, text=_tell)


def _tell(node: "Node", stem: str = "", branch: str = "") -> None:
    brief = f"  {node.id[:10]}" if node.id and node.id[:10] not in node.name else ""
    show.line(
        f"{stem}{branch}{show.style(node.kind, 'dim')} {show.style(node.name, 'bold')}{brief}"
    )
    under = stem + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    rail = "│  " if node.below else "   "
    for name, fact in node.facts.items():
        show.line(f"{under}{rail}{name}: {fact}")
    for place, below in enumerate(node.below):
        _tell(below, under, "└─ " if place == len(node.below) - 1 else "├─ ")
