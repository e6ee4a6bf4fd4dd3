"""How far apart two numbers may be and still count as equal."""

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mlops_cli.core.records import dataclass, field
from mlops_cli.errors import RequestError

DEFAULT = 1e-9
"""Of the larger of two numbers; what threads and BLAS kernels change is below it."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What may differ.

    Attributes:
        relative: as a share of the larger number.
        named: by name or pattern of a metric, how much it may differ itself, in its own unit.
    """

    relative: float = DEFAULT
    named: Mapping[str, float] = field(default_factory=dict)

    def allows(self, one: float, other: float, *, name: str = "") -> bool:
        """Return whether two numbers count as equal; those of a name by its own tolerance.

        >>> Tolerance(named={"auc": 0.01}).allows(0.95, 0.955, name="auc")
        True
        >>> Tolerance().allows(0.95, 0.955), Tolerance().allows(float("nan"), float("nan"))
        (False, True)
        """
        if one == other or (math.isnan(one) and math.isnan(other)):
            return True
        own = self._of(name)
        if own is not None:
            return own == math.inf or abs(one - other) <= own
        if not (math.isfinite(one) and math.isfinite(other)):
            return False
        return abs(one - other) <= self.relative * max(abs(one), abs(other))

    def _of(self, name: str) -> float | None:
        found = self.named.get(name)
        if found is None:
            found = next(
                (v for pattern, v in self.named.items() if fnmatchcase(name, pattern)), None
            )
        return found


def parse(texts: Sequence[str]) -> Tolerance:
    """Return the tolerance that options say: `NAME=VALUE` for a metric, `VALUE` for all else.

    >>> parse(["auc=1e-6", "1e-12"])
    Tolerance(relative=1e-12, named={'auc': 1e-06})

    Raises:
        RequestError: a value is no number, or below 0.
    """
    relative = DEFAULT
    named: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not number >= 0 or (equals and not name):
            raise RequestError(
                f"'{text}' is no tolerance",
                hint="--tolerance auc=1e-6, or --tolerance 1e-9 for all",
            )
        if name:
            named[name] = number
        else:
            relative = number
    return Tolerance(relative, named)


def number(value: Any) -> float | None:
    """Return a value as a number; records hold those that JSON has no form for as text.

    >>> number(3), number("nan"), number("text"), number(True)
    (3.0, nan, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return float(value) if value in ("nan", "inf", "-inf") else None


def apart(one: float, other: float) -> float:
    """Return how far apart two numbers are, as a share of the larger.

    >>> apart(2.0, 1.0), apart(0.0, 0.0)
    (0.5, 0.0)
    """
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    largest = max(abs(one), abs(other))
    return abs(one - other) / largest if math.isfinite(largest) else math.inf
