"""Readers that several parts of `.mlops.yaml` share: names, words and paths."""

import re
from collections.abc import Iterator
from typing import Any

from mlops_cli.core.yaml_nodes import Value

_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_RESERVED = (".git", ".mlo")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_LONGEST_S = 3650 * 86400.0
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)")


def named(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield what a mapping holds by names that can be part of refs and command lines."""
    for name, inner in value.items():
        if not re.fullmatch(_NAME, name):
            raise inner.fail(
                "is not a name that can be used", hint="use letters, digits, '_', '-' and '.'"
            )
        yield name, inner


def words(value: Value) -> tuple[str, ...]:
    """Return a list of scalars as they are written."""
    return tuple(word.word() for word in value.each())


def path(value: Value) -> str:
    """Return a path in its one form: POSIX, relative, no `.`, `..` or trailing slash."""
    return inside(value.word(), value)


def inside(written: str, value: Value) -> str:
    """Return `written` as a path in its one form; `value` is where a mistake in it is told."""
    parts = [part for part in written.split("/") if part not in ("", ".")]
    if written.startswith("/") or ".." in parts or not parts or "\0" in written:
        raise value.fail(
            f"is '{written[:80]}', which is not a path inside the project",
            hint="write it relative to the project, as in data/raw.csv",
        )
    reserved = next((part.lower() for part in parts if part.lower() in _RESERVED), None)
    if reserved is not None:
        raise value.fail(f"is '{written[:80]}', which belongs to {reserved.removeprefix('.')}")
    return "/".join(parts)


def check_variable(name: str, value: Value, *, hint: str) -> str:
    """Return the name of a variable of the environment; `value` is where it is written."""
    if not re.fullmatch(_VARIABLE, name):
        raise value.fail("is not the name of a variable", hint=hint)
    return name


def span(value: Value, *, least: float = 1e-3) -> float:
    """Return a time in seconds, written as 5m, 24h or 7d; of ten years at most."""
    match = _SPAN.fullmatch(value.word().strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not least <= seconds <= _LONGEST_S:
        raise value.fail(f"is '{value.word()[:40]}', which is no time", hint="as in 5m, 24h or 7d")
    return seconds


def share(value: Value) -> float:
    """Return a share, written as 5% or 0.05; it may be above 1."""
    match = _SHARE.fullmatch(value.word().strip())
    if not match or len(match[1]) > 20:
        raise value.fail(f"is '{value.word()[:40]}', which is no share", hint="as in 5% or 0.05")
    return float(match[1]) / (100 if match[2] else 1)


def as_written(record: Any, **renamed: str) -> dict[str, Any]:
    """Return a record by the keys that its settings have: `window_s` is written as `window: 90s`.

    `renamed` are fields that are called otherwise there.
    """
    found: dict[str, Any] = {}
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        key = renamed.get(name, name)
        if name.endswith("_s"):
            key, value = key.removesuffix("_s"), None if value is None else f"{value:g}s"
        found[key] = value
    return found
