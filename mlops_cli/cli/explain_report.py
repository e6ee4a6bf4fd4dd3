"""What `mlo explain` prints: a bar for each column."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.fold import columns, width_of
from mlops_cli.cli.runs_list import clip
from mlops_cli.registry.explaining.explanation import named

if TYPE_CHECKING:
    from mlops_cli.registry.explaining.explanation import Explanation, Weight

_MOST = 30
_NAME = 28
_EIGHTHS = " ▏▎▍▌▋▊▉"


def tell(found: "Explanation") -> None:
    """Print it for a terminal."""
    from mlops_cli.registry.explaining import picture

    show.line(show.style(picture.heading(found), "bold"))
    for text in picture.lines(found):
        show.line(f"  {text}", rest="  ")
    show.line("")
    shown = found.weights[:_MOST]
    names = [clip(named(one, of_row=found.row is not None), _NAME) for one in shown]
    left = max(map(width_of, names))
    numbers = [_number(one) for one in shown]
    middle = max(map(len, numbers))
    width = min(columns(sys.stdout), 100) if sys.stdout.isatty() else 80
    bars = _bars([one.value for one in shown], max(8, width - left - middle - 6))
    for one, name, number, bar in zip(shown, names, numbers, bars, strict=True):
        colour = "blue" if one.value >= 0 else "yellow"
        space = " " * (left - width_of(name))
        show.line(f"  {name}{space}  {number:>{middle}}  {show.style(bar, colour)}".rstrip())
    if len(found.weights) > _MOST:
        rest = len(found.weights) - _MOST
        less = "1 column that matters" if rest == 1 else f"{rest} columns that matter"
        show.note(f"and {less} less: --json has all")


def _number(one: "Weight") -> str:
    spread = "" if one.std is None else f" ± {one.std:.2g}"
    return f"{one.value:+.4g}{spread}"


def _bars(values: Sequence[float], room: int) -> list[str]:
    r"""Return a bar for each value: what is below zero lies left of a line, the others right of it.

    >>> print("\n".join(_bars([4, -2, 0], 7)))
      │████
    ██│
      │
    """
    low, high = -min(0.0, *values), max(0.0, *values)
    if not low:
        return [_bar(value / (high or 1.0) * room) for value in values]
    left = min(room - 2, max(1, round((room - 1) * low / (low + high))))
    unit = min(left / low, (room - 1 - left) / high if high else left / low)
    return [f"{_left(-value * unit):>{left}}│{_bar(max(0.0, value * unit))}" for value in values]


def _left(length: float) -> str:
    """Return a bar that ends on the right, to a half; nothing of what is not below zero.

    >>> _left(1.5), _left(-3)
    ('▐█', '')
    """
    whole, rest = divmod(max(0, round(length * 2)), 2)
    return "▐" * rest + "█" * whole


def _bar(length: float) -> str:
    """Return a bar so many letters long, to an eighth.

    >>> _bar(2.5)
    '██▌'
    """
    whole, rest = divmod(round(length * 8), 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
