"""What the tests of one column found; see `columns` for which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlops_cli.monitor.statistics.histogram import Shapes

ColumnKind = Literal["number", "boolean", "category", "datetime", "text", "id", "empty"]
"""`text` is many words that hardly repeat; `id` is what never repeats and says nothing by itself:
names, keys, row numbers. For the others see `kinds`."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test of one column: its name, what it found, and what changed, in words."""

    test: str
    statistic: float
    p: float
    effect: float
    change: str


@dataclass(frozen=True, slots=True)
class OtherTest:
    """A test that decides nothing, told on request."""

    test: str
    statistic: float
    p: float


@dataclass(frozen=True, slots=True)
class Tested:
    """All tests of one column, and why its values were not tested if they were not.

    Attributes:
        mismatch: that the two sides cannot be the same column.
        untestable: that such columns are not tested at all.
        too_few: that there is not enough to test.
        note: what else there is to know.
        distances: how far apart the sides are by measures that decide nothing, by their names,
            which say over which bins or in which unit.
        others: tests that decide nothing, where they were asked for.
    """

    kind: ColumnKind
    results: tuple[Result, ...] = ()
    mismatch: str = ""
    untestable: str = ""
    too_few: str = ""
    note: str = ""
    shapes: Shapes | None = None
    distances: Mapping[str, float] = field(default_factory=dict)
    others: tuple[OtherTest, ...] = ()


def percent(share: float) -> str:
    """Return a share for people.

    >>> percent(0.2), percent(0.004), percent(0.0)
    ('20 %', '0.4 %', '0 %')
    """
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def counted(number: int, noun: str) -> str:
    """Return how many there are of something.

    >>> counted(1, "new value"), counted(2, "new value")
    ('1 new value', '2 new values')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[object], most: int = 8) -> str:
    """Return the first of some names, and how many more there are.

    >>> listed("abcd", 2), listed("ab", 2)
    ('a, b and 2 more', 'a, b')
    """
    every = list(map(str, names))
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
