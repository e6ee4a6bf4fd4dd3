"""Long lines on a terminal, broken between words; nowhere else, so that scripts read them whole."""

import os
from typing import TextIO

_FALLBACK = 80


def fold(text: str, width: int, *, rest: str = "") -> str:
    """Return `text` in lines of at most `width` columns, the ones after the first behind `rest`.

    A word is never broken, however long. Colours take no room.

    >>> print(fold("  FAIL  auc >= 0.95: it is 0.91", 22, rest="    "))
      FAIL  auc >= 0.95:
        it is 0.91
    """
    return "\n".join(_folded(line, width, rest) for line in text.split("\n"))


def fitted(text: str, stream: TextIO, *, rest: str = "") -> str:
    """Return `text` folded to the terminal that `stream` is, as it stands where it is none."""
    return fold(text, columns(stream), rest=rest) if stream.isatty() else text


def columns(stream: TextIO) -> int:
    """Return how wide a terminal is; COLUMNS overrules it."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _FALLBACK
    except (OSError, ValueError):
        return _FALLBACK


def _folded(line: str, width: int, rest: str) -> str:
    if width_of(line) <= width:
        return line
    start = len(line) - len(line.lstrip(" "))
    first, *words = line[start:].split(" ")
    lines = [line[:start] + first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if width_of(longer) <= width or not word:
            lines[-1] = longer
        else:
            lines.append(rest + word)
    return "\n".join(one.rstrip(" ") for one in lines)


def width_of(text: str) -> int:
    r"""Return how many columns of a terminal a line takes.

    >>> width_of("\033[1mbold\033[0m"), width_of("名前")
    (4, 4)
    """
    if "\033" in text:
        import re

        text = re.sub(r"\033\[[0-9;]*m", "", text)
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    wide = sum(1 for letter in text if east_asian_width(letter) in "WF")
    return len(text) + wide - sum(1 for letter in text if combining(letter))
