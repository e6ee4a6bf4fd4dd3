"""JSON lines as delimited text: a column for each key, a value as it is written."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from mlops_cli.data.tables import records
from mlops_cli.data.tables.frames import NULL
from mlops_cli.data.tables.source import Source, Translated, raw
from mlops_cli.data.tables.translation import Translation, written
from mlops_cli.errors import RequestError

_ROWS = 2_000


class _Number(str):
    """A number, letter by letter as it stands in the file."""

    __slots__ = ()


def translated(source: Source, name: str) -> Translation:
    """Return the objects in a file of JSON lines as a table.

    Columns are all keys, in the order in which they first come; a key that is absent and one
    that is null are both missing. Lists and objects are cells of JSON.

    Raises:
        RequestError: a line is no JSON object.
    """
    seen: dict[str, set[str]] = {}
    for one in _objects(source, name):
        for key, value in one.items():
            seen.setdefault(key, set()).add(_type(value))
    names = records.distinct(list(seen))
    types = {found: _called(kinds) for found, kinds in zip(names, seen.values(), strict=True)}

    def text() -> Iterator[bytes]:
        if not seen:
            return
        yield written([names])
        rows: list[list[str]] = []
        for one in _objects(source, name):
            rows.append([_cell(one.get(key)) for key in seen])
            if len(rows) == _ROWS:
                yield written(rows)
                rows = []
        yield written(rows)

    texts = frozenset(name for name, kind in types.items() if kind in ("text", "mixed"))
    return Translation(Translated(source.size, text), types, texts)


def _objects(source: Source, name: str) -> Iterator[dict[str, Any]]:
    number = 0
    rest = b""
    for piece in chain(raw(source), [b"\n"]):
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for line in lines:
            number += 1
            if line.strip():
                yield _object(line, name, number)


def _object(line: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line.removeprefix(records.BOM), parse_int=_Number, parse_float=_Number)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"'{name}' line {number} is no JSON") from error
    if not isinstance(found, dict):
        raise RequestError(f"'{name}' line {number} is no JSON object")
    return found


def _type(value: Any) -> str:
    if isinstance(value, _Number):
        return "integer" if value.lstrip("-").isdigit() else "number"
    if value is None:
        return "null"
    return {bool: "boolean", float: "number"}.get(type(value), "text")


def _called(kinds: set[str]) -> str:
    kinds = kinds - {"null"}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "empty"


def _cell(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    """Return a value with the numbers in it as numbers again."""
    if isinstance(value, _Number):
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
