"""Small bars of characters, in plain ones where a terminal has no others."""

import sys
from collections.abc import Sequence
from math import ceil

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " ..,,;;##"


def sparkline(shares: Sequence[float], top: float) -> str:
    """Return a bar of one character for each share; any that is not zero can be seen.

    >>> sparkline([0.0, 0.01, 0.5, 1.0], 1.0) in (" ▁▄█", " .,#")
    True
    """
    marks = _BLOCKS if can_print(_BLOCKS) else _ASCII
    steps = len(marks) - 1
    return "".join(marks[ceil(share / (top or 1.0) * steps)] for share in shares)


def can_print(text: str) -> bool:
    """Return whether stdout has all the characters of a text."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
