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
    if _width(line) <= width:
        return line
    start = len(line) - len(line.lstrip(" "))
    first, *words = line[start:].split(" ")
    lines = [line[:start] + first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if _width(longer) <= width or not word:
            lines[-1] = longer
        else:
            lines.append(rest + word)
    return "\n".join(one.rstrip(" ") for one in lines)


def _width(text: str) -> int:
    if "\033" not in text:
        return len(text)
    import re

    return len(re.sub(r"\033\[[0-9;]*m", "", text))
