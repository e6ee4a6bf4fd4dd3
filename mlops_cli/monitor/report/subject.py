"""What a drift report is of, in words."""

from __future__ import annotations

from mlops_cli.core.ids import short
from mlops_cli.monitor.given import Side
from mlops_cli.monitor.live import Checked
from mlops_cli.monitor.tested import counted


def title(found: Checked) -> str:
    """Return what was looked at, as a heading."""
    if found.model is not None and found.current.path is None:
        return f"Drift of what {found.model} v{found.version} is asked"
    return f"Drift of {named(found.current)}"


def subject(found: Checked) -> str:
    """Return what was held against what, in a line."""
    before = counted(found.report.reference_rows, "row")
    return f"{current(found)} against {named(found.reference)}, {before}"


def current(found: Checked) -> str:
    """Return what was looked at, and how much of it there is."""
    rows = found.report.current_rows
    if found.current.path is not None:
        return f"{named(found.current)}, {counted(rows, 'row')},"
    return f"{found.model} v{found.version}: {counted(rows, 'prediction')}"


def named(side: Side) -> str:
    """Return a side by its path and version."""
    rev = side.rev or (short(side.oid) if side.oid else None)
    return str(side.path) if side.kept or rev is None else f"{side.path}@{rev}"


def notes(found: Checked) -> list[str]:
    """Return what else there is to know, as sentences."""
    told = [*found.notes]
    if found.answered is not None:
        told.append(f"{' and '.join(found.answered.columns)}: against {found.answered.against}")
    if found.importance:
        told.append(f"importance: {found.importance}")
    if found.windows is not None:
        told += found.windows.notes
        if found.windows.left_out:
            told.append(f"{counted(found.windows.left_out, 'older window')} left out")
    if found.segments is not None:
        told += found.segments.notes
    return told
