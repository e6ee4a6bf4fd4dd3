"""What a model card says of metrics: those of the run, and of every evaluation since."""

from collections.abc import Iterator, Sequence

from mlops_cli.registry.evaluation.bootstrap import Estimate
from mlops_cli.registry.evaluation.record import Evaluation
from mlops_cli.registry.models import Version

_MOST_SLICES = 50


def markdown(version: Version, evaluations: Sequence[Evaluation]) -> str:
    """Return the metrics of a version, and what it was found to be on data, the newest first."""
    parts = [*_of_run(version)]
    seen = set()
    for one in evaluations:
        if one.data.oid not in seen:  # what the same data gave before is in the events
            seen.add(one.data.oid)
            parts += _evaluation(one)
    return "\n\n".join(parts) or "None were recorded."


def _of_run(version: Version) -> Iterator[str]:
    if version.metrics:
        rows = [[name, number(version.metrics[name])] for name in sorted(version.metrics)]
        yield "Of its run:\n\n" + table(["metric", "value"], rows)


def _evaluation(one: Evaluation) -> Iterator[str]:
    yield (
        f"On `{one.data.path}`, version `{one.data.oid[:16]}`, {one.rows:,} rows, "
        f"{one.time[:19]}Z, with intervals of 95 %:"
    )
    yield table(
        ["metric", "value", "from", "to"],
        [[name, *_estimate(found)] for name, found in one.metrics.items()],
    )
    if one.slices:
        names = list(dict.fromkeys(name for part in one.slices for name in part.metrics))[:4]
        rows = [
            [part.name, f"{part.rows:,}", *[_of(part.metrics.get(name)) for name in names]]
            for part in one.slices[:_MOST_SLICES]
        ]
        left = len(one.slices) - _MOST_SLICES
        yield table(["slice", "rows", *names], rows) + (f"\n\nand {left} more" if left > 0 else "")
    for fair in one.fairness:
        rows = [[name, *_estimate(found)] for name, found in fair.metrics.items()]
        yield f"Between the groups of `{fair.column}`:\n\n" + table(
            ["metric", "value", "from", "to"], rows
        )


def _estimate(found: Estimate) -> list[str]:
    return [_number(found.value), _number(found.low), _number(found.high)]


def _of(found: Estimate | None) -> str:
    return "" if found is None else _number(found.value)


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


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
    flat = " ".join(text.split()).replace("<", "&lt;")
    for mark in "\\|`*_":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
