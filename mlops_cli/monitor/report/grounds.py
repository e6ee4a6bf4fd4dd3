"""What estimates go by, and what they cannot see, in words."""

from __future__ import annotations

from mlops_cli.monitor.estimation.stretches import FEWEST
from mlops_cli.monitor.performance.report import Grounds, PerformanceReport

_BLIND = "a change of what inputs mean would not be seen"


def grounds(found: PerformanceReport) -> tuple[str, ...]:
    """Return one line on it; none where nothing is estimated."""
    if found.grounds is None or found.reference is None:
        return ()
    return (_line(found.grounds, found.reference.path),)


def _line(by: Grounds, reference: str) -> str:
    if by.by == "reference" and not by.checked:
        there = f"there are {by.labels}" if by.labels else "there are none"
        told = f"Estimated by {reference} alone: checking that takes {FEWEST} newer labels"
        return f"{told} and {there}, so {_BLIND}."
    later = f"; {_BLIND} in the {by.ahead:,} predictions since" if by.ahead else ""
    if by.by == "reference":
        return f"Estimated by {reference}, which holds for the newest {by.labels:,} labels{later}."
    since = "" if by.since is None else f" from {by.since[:16].replace('T', ' ')} UTC on"
    told = f"Estimated by the newest {by.labels:,} labels"
    return f"{told}, as {reference} does not hold{since}{later}."
