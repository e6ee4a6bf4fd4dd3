"""What a model card says of metrics: those of the run, and of every evaluation since."""

from collections.abc import Sequence

from mlops_cli.registry.events import Event
from mlops_cli.registry.models import Version


def markdown(version: Version, since: Sequence[Event]) -> str:
    """Return the metrics of a version, and what the events about it say of them."""
    del since
    if not version.metrics:
        return "None were recorded."
    rows = [[name, number(version.metrics[name])] for name in sorted(version.metrics)]
    return "Of its run:\n\n" + table(["metric", "value"], rows)


def number(value: object) -> str:
    """Return a number for people."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Return a table in Markdown.

    >>> print(table(["a", "b"], [["1|2", "x"]]))
    | a | b |
    | --- | --- |
    | 1\|2 | x |
    """
    lines = [columns, ["---"] * len(columns), *([cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str) -> str:
    """Return text as a cell of a table has it, so that it is no markup."""
    flat = " ".join(text.split())
    for mark in ("\\", "|", "<", "`", "*", "_"):
        flat = flat.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return flat
