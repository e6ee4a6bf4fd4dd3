"""What `mlo explain` prints: a bar for each column."""

import sys
from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.fold import columns
from mlops_cli.cli.runs_list import clip

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
    names = [_name(one) for one in shown]
    left = max(map(len, names))
    numbers = [_number(one) for one in shown]
    middle = max(map(len, numbers))
    width = min(columns(sys.stdout), 100) if sys.stdout.isatty() else 80
    room = max(8, width - left - middle - 6)
    most = max(abs(one.value) for one in shown) or 1.0
    for one, name, number in zip(shown, names, numbers, strict=True):
        bar = _bar(abs(one.value) / most * room)
        colour = "blue" if one.value >= 0 else "yellow"
        show.line(f"  {name:<{left}}  {number:>{middle}}  {show.style(bar, colour)}".rstrip())
    if len(found.weights) > _MOST:
        show.note(f"and {len(found.weights) - _MOST} columns that matter less: --json has all")


def _name(one: "Weight") -> str:
    return clip(one.column if one.cell is None else f"{one.column} = {_cell(one.cell)}", _NAME)


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _number(one: "Weight") -> str:
    spread = "" if one.std is None else f" ± {one.std:.2g}"
    return f"{one.value:+.4g}{spread}"


def _bar(length: float) -> str:
    """Return a bar so many letters long, to an eighth.

    >>> _bar(2.5)
    '██▌'
    """
    whole, rest = divmod(round(length * 8), 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
