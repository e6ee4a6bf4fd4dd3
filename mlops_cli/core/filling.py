"""Templates: `${name}` in a text stands for a parameter, `$${name}` for `${name}` itself."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TEMPLATE = re.compile(r"\$?\$\{([A-Za-z0-9_][A-Za-z0-9_.-]*)\}")
WHOLE = re.compile(r"\$\{([A-Za-z0-9_][A-Za-z0-9_.-]*)\}")
"""A text that is one template and nothing else, by `fullmatch`."""
MISSING = object()


def look_up(params: Mapping[str, Any], name: str) -> Any:
    """Return the value of a dotted name, or MISSING; `params.` may come before it.

    >>> look_up({"train": {"depth": 5}}, "train.depth"), look_up({"seed": 7}, "params.seed")
    (5, 7)
    """
    here: Any = params
    for part in name.split("."):
        if not isinstance(here, Mapping) or part not in here:
            if name.startswith("params.") and "params" not in params:
                return look_up(params, name.removeprefix("params."))
            return MISSING
        here = here[part]
    return here


def fill(text: str, value_of: Callable[[str, str], str]) -> str:
    """Return `text` with each `${name}` replaced by `value_of(name, "${name}")`."""
    if "${" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        whole = match[0]
        return whole[1:] if whole.startswith("$$") else value_of(match[1], whole)

    return TEMPLATE.sub(replaced, text)


def fill_some(text: str, value_of: Callable[[str], str | None]) -> str:
    """Return `text` with `${name}` replaced where `value_of(name)` is not None, others as is.

    What is put in holds no templates: it is escaped, so that a later `fill` leaves it alone.

    >>> fill_some("${a} ${b} $${a}", {"a": "${b}"}.get)
    '$${b} ${b} $${a}'
    """
    if "${" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        found = None if match[0].startswith("$$") else value_of(match[1])
        return match[0] if found is None else TEMPLATE.sub(lambda inner: "$" + inner[0], found)

    return TEMPLATE.sub(replaced, text)


def named(text: str) -> Iterator[str]:
    """Yield the names in the templates of a text.

    >>> list(named("fit --depth ${train.depth} $${HOME}"))
    ['train.depth']
    """
    if "${" in text:
        for match in TEMPLATE.finditer(text):
            if not match[0].startswith("$$"):
                yield match[1]


def word(value: Any) -> str:
    """Return a value as a word of a command line: true, null and numbers as YAML has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
