"""Keeping secrets out of records: told by the name of an option or parameter, or by their shape.

What a command prints is kept as it is printed: a log cannot be searched for what nobody named.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

MASK = "***"

_WORDS = frozenset(
    {"password", "passwd", "passphrase", "secret", "secrets", "apikey", "credential", "credentials"}
)
_PAIRS = frozenset(
    (before, last)
    for last, befores in {
        "key": ("api", "access", "private", "secret"),
        "token": ("auth", "access", "api", "bearer", "refresh", "hf", "github", "gitlab"),
    }.items()
    for before in befores
)
_SHAPES = re.compile(
    r"AKIA[0-9A-Z]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|github_pat_[A-Za-z0-9_]{30,}"
    r"|glpat-[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}"
    r"|sk-[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_ASSIGNED = re.compile(
    r"(?P<name>-{0,2}[A-Za-z_][A-Za-z0-9_.-]*)=(?P<value>'[^']*'|\"[^\"]*\"|\S+)"
)
_FOLLOWED = re.compile(
    r"(?P<name>--?[A-Za-z][A-Za-z0-9_.-]*)(?P<gap>\s+)(?P<value>'[^']*'|\"[^\"]*\"|[^\s-]\S*)"
)


def is_secret(name: str) -> bool:
    """Return whether something of this name is likely a secret.

    >>> [is_secret(name) for name in ("db.password", "--api-key", "HF_TOKEN", "token")]
    [True, True, True, True]
    >>> [is_secret(name) for name in ("max_tokens", "pad_token", "keys", "tokenizer")]
    [False, False, False, False]
    """
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    if words[-1:] == ["token"] and len(words) == 1:
        return True
    return not _WORDS.isdisjoint(words) or any(pair in _PAIRS for pair in pairwise(words))


def masked(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters, nested or by dotted name, with secrets replaced by `***`."""
    return {name: _masked(name, value) for name, value in params.items()}


def masked_command(command: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return a command with secrets replaced by `***`.

    >>> masked_command(("fit", "--token", "abc", "--api-key=x", "--depth=3"))
    ('fit', '--token', '***', '--api-key=***', '--depth=3')
    """
    if isinstance(command, str):
        return _masked_line(command)
    words: list[str] = []
    for word in command:
        follows = bool(words) and words[-1].startswith("-") and is_secret(words[-1])
        if follows and "=" not in words[-1] and not word.startswith("-"):
            words.append(MASK)
        else:
            words.append(_masked_line(word))
    return tuple(words)


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, str):
        return MASK if is_secret(name) else _SHAPES.sub(MASK, value)
    return value


def _masked_line(text: str) -> str:
    text = _ASSIGNED.sub(lambda m: _hidden(m, f"{m['name']}="), text)
    text = _FOLLOWED.sub(lambda m: _hidden(m, f"{m['name']}{m['gap']}"), text)
    return _SHAPES.sub(MASK, text)


def _hidden(match: re.Match[str], start: str) -> str:
    return start + MASK if is_secret(match["name"]) else match[0]
