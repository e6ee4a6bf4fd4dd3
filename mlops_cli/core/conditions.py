"""What conditions are made of, and how they are answered; `expression` reads them.

Nothing is executed: names are looked up, values compared and, where that is asked for, computed.
"""

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "~"]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class _Missing:
    """What a name stands for that nothing is known by."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()
LookUp = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a condition; alone it holds if what it stands for is true, not 0 and not empty."""

    text: str
    at: int

    def value(self, look_up: LookUp) -> Any:
        """Return what the name stands for, or MISSING."""
        return look_up(self.text)

    def holds(self, look_up: LookUp) -> bool:
        """Return whether there is something by that name, and it counts as true."""
        return truth(look_up(self.text))


@dataclass(frozen=True, slots=True)
class Value:
    """A number, text, true, false or null written in a condition."""

    held: Any
    at: int

    def value(self, look_up: LookUp) -> Any:
        """Return the value."""
        del look_up
        return self.held

    def holds(self, look_up: LookUp) -> bool:
        """Return whether it counts as true."""
        del look_up
        return bool(self.held)


Side = Name | Value


@dataclass(frozen=True, slots=True)
class Computed:
    """Two sides added, subtracted, multiplied or divided."""

    left: "Term"
    sign: str
    right: "Term"

    def value(self, look_up: LookUp) -> Any:
        """Return the number; MISSING unless both sides are numbers, and for a division by 0."""
        left, right = self.left.value(look_up), self.right.value(look_up)
        if not is_number(left) or not is_number(right):
            return MISSING
        try:
            return ARITHMETIC[self.sign](left, right)
        except (ZeroDivisionError, OverflowError):
            return MISSING


Term = Name | Value | Computed


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides and what must be so between them. With `~` the right side is a pattern."""

    left: Term
    operator: Operator
    right: Term

    def holds(self, look_up: LookUp) -> bool:
        """Return whether it is so; never with something missing."""
        return compared(self.left.value(look_up), self.operator, self.right.value(look_up))


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of a condition."""

    part: "Node"

    def holds(self, look_up: LookUp) -> bool:
        """Return whether the part does not hold."""
        return not self.part.holds(look_up)


@dataclass(frozen=True, slots=True)
class Both:
    """Conditions that must all hold."""

    parts: tuple["Node", ...]

    def holds(self, look_up: LookUp) -> bool:
        """Return whether all parts hold."""
        return all(part.holds(look_up) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Either:
    """Conditions of which one must hold."""

    parts: tuple["Node", ...]

    def holds(self, look_up: LookUp) -> bool:
        """Return whether one of the parts holds."""
        return any(part.holds(look_up) for part in self.parts)


Node = Name | Value | Comparison | Not | Both | Either


def truth(value: Any) -> bool:
    """Return whether a value counts as true: not false, 0, empty, null, missing or "false"."""
    return bool(value) and value != "false"


def compared(left: Any, sign: str, right: Any) -> bool:
    """Return whether a comparison of two values is true.

    A number and a text that reads as one are compared as numbers; a boolean equals booleans only;
    nan equals nan, and is neither above nor below anything.

    >>> compared(3, "<", "10"), compared("b", ">", "a"), compared(MISSING, "!=", 1)
    (True, True, False)
    """
    if left is MISSING or right is MISSING:
        return False
    if sign == "~":
        return re.search(right, _text(left)) is not None
    left, right = _alike(left, right)
    if sign in ("==", "!="):
        return _equal(left, right) is (sign == "==")
    numbers = is_number(left) and is_number(right)
    if numbers or (isinstance(left, str) and isinstance(right, str)):
        return _ORDER[sign](left, right)
    return False


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    if is_number(left) and isinstance(right, str):
        return left, _as_number(right)
    if is_number(right) and isinstance(left, str):
        return _as_number(left), right
    return left, right


def _as_number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def is_number(value: Any) -> bool:
    """Return whether a value counts as a number, which true and false do not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    both_nan = left != left and right != right
    return both_nan or bool(left == right)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def names(node: "Node | Computed") -> Iterator[Name]:
    """Yield the names that a condition speaks of, as they come."""
    if isinstance(node, Name):
        yield node
    elif isinstance(node, Comparison | Computed):
        yield from names(node.left)
        yield from names(node.right)
    elif isinstance(node, Not):
        yield from names(node.part)
    elif isinstance(node, Both | Either):
        for part in node.parts:
            yield from names(part)
