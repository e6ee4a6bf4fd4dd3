"""Facts of a lineage as people read them."""

import re

from mlops_cli.registry.lineage.node import Node

_WHEN_AND_WHO = {
    "answered",
    "began",
    "by",
    "commit by",
    "made",
    "registered",
    "since",
    "version",
    "when",
}
"""Facts that tell moments and people, which are shown short."""


def short(node: Node, name: str) -> str:
    """Return one fact of a node; parameters stand as they are."""
    fact = node.facts[name]
    return _brief(fact) if name in _WHEN_AND_WHO and node.kind != "parameters" else fact


def _brief(fact: str) -> str:
    """Return a fact with its moments to the minute and its people by name alone.

    >>> _brief("2026-11-21T06:04:59.123456Z by Ada <ada@example.org> on host")
    '2026-11-21 06:04 UTC by Ada on host'
    """
    fact = re.sub(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\.\d{6}Z", r"\1 \2 UTC", fact)
    return re.sub(r" <[^<>]*>", "", fact)
