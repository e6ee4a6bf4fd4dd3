"""One thing in a lineage, with what it came from above it and what came of it below."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """One thing and what is known of it.

    Attributes:
        kind: prediction, batch, package, version, promotion, approval, evaluation, route,
            description, run, reproduction, code, environment, parameters, data, object,
            predictions, retraining, alert, more.
        name: what people call it.
        id: its full id; empty where it has none.
        facts: what is known of it, by name.
        up: what it was made from, or by whom it was let through.
        down: what came of it.
    """

    kind: str
    name: str
    id: str
    facts: Mapping[str, str] = field(default_factory=dict)
    up: tuple["Node", ...] = ()
    down: tuple["Node", ...] = ()


def person(who: Mapping[str, str]) -> str:
    """Return a person as records name them.

    >>> person({"name": "Ada", "email": "ada@example.org"})
    'Ada <ada@example.org>'
    """
    email = f" <{who['email']}>" if who.get("email") else ""
    return f"{who.get('name', '')}{email}"


def brief(value: float | str) -> str:
    """Return a number with four digits, and text as it is."""
    return value if isinstance(value, str) else f"{value:.4g}"
