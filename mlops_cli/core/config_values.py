"""Readers that several parts of `.mlops.yaml` share: names, words and paths."""

import re
from collections.abc import Iterator

from mlops_cli.core.yaml_nodes import Value

_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_RESERVED = (".git", ".mlo")


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
