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


_WHEN_AND_WHO = {"answered", "began", "by", "commit by", "made", "registered", "version", "when"}
"""Facts that tell moments and people, which text shows short."""


def _tell(node: "Node", stem: str = "", branch: str = "") -> None:
    brief = f"  {node.id[:10]}" if node.id and node.id[:10] not in node.name else ""
    under = stem + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    rail = "│  " if node.below else "   "
    show.line(
        f"{stem}{branch}{show.style(node.kind, 'dim')} {show.style(node.name, 'bold')}{brief}",
        rest=f"{under}{rail}",
    )
    for name, fact in node.facts.items():
        if name in _WHEN_AND_WHO and node.kind != "parameters":
            fact = _brief(fact)
        show.line(f"{under}{rail}{name}: {fact}", rest=f"{under}{rail}  ")
    for place, below in enumerate(node.below):
        _tell(below, under, "└─ " if place == len(node.below) - 1 else "├─ ")


def _brief(fact: str) -> str:
    """Return a fact with its moments to the minute and its people by name alone.

    >>> _brief("2026-11-21T06:04:59.123456Z by Ada <ada@example.org> on host")
    '2026-11-21 06:04 UTC by Ada on host'
    """
    import re

    fact = re.sub(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\.\d{6}Z", r"\1 \2 UTC", fact)
    return re.sub(r" <[^<>]*>", "", fact)
