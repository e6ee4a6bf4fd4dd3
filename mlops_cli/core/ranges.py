"""Ranges that a sweep searches a parameter in, as people write them.

```
uniform(0, 1)        any number between; uniform(0, 1, 0.25) only these steps
log(1e-4, 1e-1)      any number between, evenly spread over its powers of ten
int(2, 8)            a whole number, both ends included; int(2, 8, 2) only these steps
logint(1, 1024)      a whole number, evenly spread over its powers
choice(a, b, 0.5)    one of these values, each read as YAML
```
"""

import math
import re
from typing import Any, Literal, NoReturn, cast

from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError

Kind = Literal["uniform", "log", "int", "logint", "choice"]
KINDS = ("uniform", "log", "int", "logint", "choice")
MAX_CHOICES = 1000
_CALL = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_PART = re.compile(r"""\s*('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^,'"()]+)\s*""", re.DOTALL)
_MEANT = {
    "float": "uniform",
    "integer": "int",
    "loguniform": "log",
    "log_uniform": "log",
    "range": "int",
    "randint": "int",
    "categorical": "choice",
    "oneof": "choice",
}
_EXAMPLES = {
    "uniform": "uniform(0, 1)",
    "log": "log(1e-4, 1e-1)",
    "int": "int(2, 8)",
    "logint": "logint(1, 1024)",
    "choice": "choice(a, b)",
}


@dataclass(frozen=True, slots=True)
class Range:
    """Values that a parameter may take; `low`, `high` and `step` are numbers but for a choice."""

    kind: Kind
    text: str
    low: float = 0
    high: float = 0
    step: float | None = None
    values: tuple[Any, ...] = ()

    @property
    def count(self) -> int | None:
        """How many values there are; None where there is no end of them."""
        if self.kind == "choice":
            return len(self.values)
        if self.kind in ("int", "logint"):
            return int((self.high - self.low) // (self.step or 1)) + 1
        if self.step is None:
            return 1 if self.low == self.high else None
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def points(self) -> list[Any]:
        """Return all its values in order, where `count` says that there are so many.

        >>> parse("int(2, 8, 2)", where="depth").points()
        [2, 4, 6, 8]
        """
        if self.kind == "choice":
            return list(self.values)
        step = self.step or 1
        found = [self.low + at * step for at in range(self.count or 0)]
        return found if self.kind in ("int", "logint") else [float(f"{one:.12g}") for one in found]


def is_range(text: str) -> bool:
    """Return whether a text is meant as a range: a word and parentheses around the rest.

    >>> is_range("log(1e-4, 1e-1)"), is_range("0.1"), is_range("a (b)")
    (True, False, False)
    """
    found = _CALL.match(text)
    return found is not None and text.rstrip().endswith(")") and " " not in found[0].strip()


def parse(text: str, *, where: str) -> Range:
    """Return the range in a text; `where` says in errors what it was given for.

    Raises:
        RequestError: it does not parse, or holds nothing; the message points at the place.

    >>> parse("log(1e-4, 1e-1)", where="lr").high
    0.1
    """
    return _Reader(text, where).range()


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where

    def range(self) -> Range:
        call = _CALL.match(self._text)
        if call is None:
            self._refuse(0, "a range is missing", hint=f"one of: {', '.join(_EXAMPLES.values())}")
        kind = call[1]
        if kind not in KINDS:
            self._refuse_kind(kind, call.start(1))
        parts = self._parts(call.end())
        if kind == "choice":
            return self._choice(parts)
        return self._numbers(cast(Kind, kind), parts)

    def _refuse_kind(self, kind: str, at: int) -> NoReturn:
        from difflib import get_close_matches

        near = _MEANT.get(kind.lower()) or next(iter(get_close_matches(kind.lower(), KINDS, 1)), "")
        meant = _EXAMPLES.get(near)
        self._refuse(
            at,
            f"'{kind}' is no kind of range",
            hint=f"write it as {meant}" if meant else f"one of: {', '.join(_EXAMPLES.values())}",
        )

    def _parts(self, at: int) -> list[tuple[str, int]]:
        """Return what stands between the parentheses, cut at commas, each with its place."""
        parts: list[tuple[str, int]] = []
        opened = at - 1
        while True:
            found = _PART.match(self._text, at)
            written = found[1].strip() if found else ""
            if found is None or not written:
                self._refuse_part(at, opened)
            parts.append((written, found.start(1)))
            at = found.end()
            if self._text[at : at + 1] == ")":
                break
            if self._text[at : at + 1] != ",":
                self._refuse_part(at, opened)
            at += 1
        if self._text[at + 1 :].strip():
            self._refuse(at + 1, "nothing may come after the range")
        return parts

    def _refuse_part(self, at: int, opened: int) -> NoReturn:
        at += len(self._text[at:]) - len(self._text[at:].lstrip())
        if at >= len(self._text):
            self._refuse(opened, "this '(' is not closed")
        first = self._text[at]
        if first in "'\"":
            self._refuse(at, f"this {first} is not closed")
        if first in ",)":
            self._refuse(at, "a value is missing")
        self._refuse(at, f"'{first}' means nothing here", hint="put a text in quotes")

    def _choice(self, parts: list[tuple[str, int]]) -> Range:
        values: list[Any] = []
        for written, at in parts:
            value = self._value(written, at)
            if any(value == one and type(value) is type(one) for one in values):
                self._refuse(at, "this value is there twice")
            values.append(value)
        if len(values) > MAX_CHOICES:
            self._refuse(0, f"{len(values)} values are more than the {MAX_CHOICES} there may be")
        return Range("choice", self._text.strip(), values=tuple(values))

    def _value(self, written: str, at: int) -> Any:
        from mlops_cli.core import yaml_nodes

        try:
            value = yaml_nodes.parse(written.encode(), where=self._where).plain()
        except RequestError as error:
            self._refuse(at, "this is no value", hint=error.hint or "put a text in quotes")
        if isinstance(value, dict | list):
            self._refuse(at, "a value is one number, text, true, false or null")
        return value

    def _numbers(self, kind: Kind, parts: list[tuple[str, int]]) -> Range:
        whole = kind in ("int", "logint")
        numbers = [self._number(written, at, whole=whole) for written, at in parts]
        if len(numbers) < 2:
            self._refuse(
                parts[0][1],
                f"{kind} needs the lowest and the highest value",
                hint=f"write it as {_EXAMPLES[kind]}",
            )
        steps = kind in ("uniform", "int")
        if len(numbers) > 2 + steps:
            self._refuse(parts[2 + steps][1], f"{kind} takes no more than {2 + steps} numbers")
        low, high = numbers[:2]
        if low > high:
            self._refuse(parts[0][1], f"the lowest value {low} is above the highest, {high}")
        if kind in ("log", "logint") and low <= 0:
            self._refuse(parts[0][1], f"{kind} begins above 0", hint=f"as in {_EXAMPLES[kind]}")
        if len(numbers) > 2 and numbers[2] <= 0:
            self._refuse(parts[2][1], "a step is above 0")
        step = numbers[2] if len(numbers) > 2 else None
        return Range(kind, self._text.strip(), low, high, step)

    def _number(self, written: str, at: int, *, whole: bool) -> float:
        try:
            number = float(written)
        except ValueError:
            self._refuse(at, f"'{written}' is no number")
        if not math.isfinite(number) or abs(number) > 1e300:
            self._refuse(at, f"'{written}' is no number with an end")
        if not whole:
            return number
        if not number.is_integer() or abs(number) > 2**53:
            self._refuse(at, f"'{written}' is no whole number", hint="or did you mean uniform?")
        return int(number)

    def _refuse(self, at: int, what: str, *, hint: str | None = None) -> NoReturn:
        shown = "".join(letter if letter.isprintable() else " " for letter in self._text)
        start = max(0, at - 40)
        raise RequestError(
            f"{self._where}: {what}\n    {shown[start : start + 60]}\n    {' ' * (at - start)}^",
            hint=hint,
        )
