"""A schema as a file to edit: plain YAML with what was seen beside it."""

import json
import re
from collections.abc import Iterator, Mapping

from mlops_cli.data.validation.infer import Inferred
from mlops_cli.data.validation.schema import ColumnRule

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "none", "nan"})
_WIDTH = 92


def text(found: Inferred, path: str) -> str:
    """Return the file; `path` is the data that it was inferred from."""
    return "\n".join(_lines(found, path)) + "\n"


def _lines(found: Inferred, path: str) -> Iterator[str]:
    plural = "" if found.rows == 1 else "s"
    yield f"# What {_on_one_line(path)} is to be like. Inferred from {found.rows:,} row{plural}:"
    yield "# bounds are wider than what was seen. It is yours to edit; then run mlo validate."
    yield ""
    rows = found.schema.rows
    if rows.min is not None:
        yield "rows:"
        yield _noted(f"  min: {rows.min}", f"seen: {found.rows:,}")
        yield _noted("  # max_change: 50%", "against the version before")
        yield ""
    yield _noted(
        f"extra: {found.schema.extra}", "columns that are not named here: error, warn or allow"
    )
    yield ""
    yield "columns:"
    for rule in found.schema.columns:
        yield from _column(rule, found.seen.get(rule.name, {}))
    yield ""
    yield "# Conditions that each row is to meet, and columns that are to be unique together:"
    yield "# rules:"
    yield "#   - start <= end"
    yield "# unique:"
    yield "#   - [user, day]"


def _column(rule: ColumnRule, seen: Mapping[str, str]) -> Iterator[str]:
    yield f"  {word(rule.name)}:"
    yield _noted(f"    type: {rule.type}", seen.get("type", ""))
    if not rule.required:
        yield _noted("    required: false", seen.get("required", ""))
    if rule.missing < 1:
        said = f"missing: {100 * rule.missing:g}%" if rule.missing else "nullable: false"
        yield _noted(f"    {said}", seen.get("missing", ""))
    elif "missing" in seen:
        yield f"    # {seen['missing']}"
    if rule.unique:
        yield "    unique: true"
    for key in ("min", "max"):
        bound = getattr(rule, key)
        if bound is not None:
            yield f"    {key}: {_number(bound)}"
    if rule.values is not None:
        yield from _listed([word(str(one)) for one in rule.values])


def _listed(words: list[str]) -> Iterator[str]:
    line = f"    values: [{', '.join(words)}]"
    if len(line) <= _WIDTH:
        yield line
        return
    yield "    values:"
    yield from (f"      - {one}" for one in words)


def word(text: str) -> str:
    """Return a text as YAML, in quotes unless it can be read as nothing else.

    >>> word("free"), word("no"), word("10"), word("a: b")
    ('free', '"no"', '"10"', '"a: b"')
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _number(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else repr(float(value))


def _noted(line: str, note: str) -> str:
    return f"{line:<24}  # {note}" if note else line


def _on_one_line(path: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in path)
