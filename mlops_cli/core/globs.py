"""Patterns of paths: `*`, `?`, `[abc]` for parts of one name, `**` for any folders in between."""

import re
from collections.abc import Sequence
from functools import cache


def is_pattern(text: str) -> bool:
    """Return whether a text stands for the paths that match it.

    >>> is_pattern("data/part-*.csv"), is_pattern("data/raw.csv")
    (True, False)
    """
    return not {"*", "?", "["}.isdisjoint(text)


def fixed(pattern: str) -> str:
    """Return the folder that all matches are in; empty for where the pattern starts.

    >>> fixed("data/raw/*.csv"), fixed("*.csv")
    ('data/raw', '')
    """
    parts: list[str] = []
    for part in pattern.split("/"):
        if is_pattern(part):
            break
        parts.append(part)
    return "/".join(parts)


def full(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Return whether all names of a path match all parts of a pattern.

    >>> full(["data", "*.csv"], ["data", "a.csv"]), full(["**", "*.csv"], ["a", "b", "c.json"])
    (True, False)
    """
    if not pattern:
        return not path
    if pattern[0] == "**":
        return len(pattern) == 1 or any(
            full(pattern[1:], path[start:]) for start in range(len(path) + 1)
        )
    return bool(path) and named(pattern[0], path[0]) and full(pattern[1:], path[1:])


def named(part: str, name: str) -> bool:
    """Return whether a name matches one part of a pattern; a dot at its start has to be told."""
    if part == name:
        return True
    if name.startswith(".") and not part.startswith("."):
        return False
    return _compiled(part).fullmatch(name) is not None


@cache
def _compiled(part: str) -> re.Pattern[str]:
    import fnmatch

    return re.compile(fnmatch.translate(part))
