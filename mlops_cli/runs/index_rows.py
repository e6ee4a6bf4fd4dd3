"""What the index of runs takes from the objects in a store: read in bulk, by several processes."""

import json
import marshal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from blake3 import blake3

from mlops_cli.core import canonical, codec, workers
from mlops_cli.core.objects import Kind
from mlops_cli.core.packs import Codec, Entry, Pack, as_id
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, MissingObject, StateError
from mlops_cli.runs import said
from mlops_cli.runs.record import VERSION

_AT_ONCE = 20_000
"""Objects that are read before their rows are written."""
_LEAST = 1_000
"""Objects that are worth a process of their own."""
_MANY = 200
"""Objects that are worth loading a fast JSON parser."""
_LONG = 2.0**63
_CELLS = (str, int, float)
Place = tuple[str, int]
"""The name of a pack, and a position in its index."""
_Located = tuple[str, Entry, bytes]


class Rows(NamedTuple):
    """Rows for the tables of the index; `steps` name their run by its id.

    Attributes:
        unreadable: ids of what is no good record, each with the reason.
    """

    runs: list[tuple[Any, ...]]
    steps: list[tuple[str, str, str]]
    said: list[tuple[Any, ...]]
    unreadable: list[tuple[str, str]]


def rows(repo: Repository, places: Sequence[Place]) -> Iterator[Rows]:
    """Yield what the runs and audit entries at these places say, some thousands at a time.

    One that is damaged, malformed, or of a newer mlo is named as unreadable; it hides no other.
    """
    packs = repo.objects.packs()
    how = _fast() if len(places) >= _MANY else _PLAIN
    ordered = sorted(_located(packs[name], at) for name, at in places)
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        count = workers.helpful(len(some), least=_LEAST)
        parts = [
            some[at * len(some) // count : (at + 1) * len(some) // count] for at in range(count)
        ]

        def work(part: Sequence[_Located], _advance: Callable[[int], None]) -> bytes:
            return marshal.dumps(tuple(_read(repo, packs, part, how)))

        if count == 1:
            yield _read(repo, packs, some, how)
            continue
        for answer in workers.share(parts, work, lambda _: None):
            yield Rows(*marshal.loads(answer))  # noqa: S302  of our own child


def _located(pack: Pack, at: int) -> _Located:
    return pack.index.name, pack.index.entry(at), pack.index.key(at)


def _read(
    repo: Repository, packs: Mapping[str, Pack], places: Sequence[_Located], how: "_Json"
) -> Rows:
    found = Rows([], [], [], [])
    for place in places:
        try:
            _add(repo, packs, place, how, found)
        except MissingObject:
            raise
        except (IntegrityError, StateError) as error:
            found.unreadable.append((as_id(place[2]), error.message))
    return found


def _add(
    repo: Repository, packs: Mapping[str, Pack], place: _Located, how: "_Json", found: Rows
) -> None:
    name, entry, key = place
    oid = as_id(key)
    if entry.codec is Codec.LIST:
        data = repo.objects.get(oid)
    else:
        data = codec.decompress(packs[name].payload(entry), entry, repo.objects.base)
        if blake3(data).digest() != key:
            raise IntegrityError(f"object {oid} is damaged", hint="mlo fsck")
    if entry.kind is Kind.RUN:
        _add_run(oid, how.load(data), found, how.text)
    elif data.startswith(said.STARTS):
        _add_said(oid, how.load(data), found, how.text)
    if not data.isascii():
        for made in (found.runs, found.said):
            made[-1:] = [tuple(map(storable, row)) for row in made[-1:]]


def storable(cell: Any) -> Any:
    """Return a cell as SQLite takes it: bytes of a name or a note that are no text become `?`."""
    return cell.encode("utf-8", "replace").decode() if isinstance(cell, str) else cell


def _add_run(oid: str, held: Any, found: Rows, text: Callable[[Any], str]) -> None:
    if not isinstance(held, dict) or "v" not in held:
        raise IntegrityError(f"object {oid} should be the record of a run, and is none")
    if held["v"] != VERSION:
        raise StateError(f"a run has the format {held['v']}, unknown here", hint="use a newer mlo")
    try:
        row = _run(oid, held, text)
        steps = [(one["key"], oid, one["name"]) for one in held["steps"] if one["state"] == "ran"]
    except (AttributeError, KeyError, TypeError) as error:
        raise IntegrityError(f"the record of run {oid} is malformed: {error}") from error
    found.runs.append(row)
    found.steps.extend(steps)


def _run(oid: str, held: dict[str, Any], text: Callable[[Any], str]) -> tuple[Any, ...]:
    command, code = held["command"], held["code"]
    row = (
        oid,
        held["key"],
        held["name"],
        command if isinstance(command, str) else " ".join(command),
        held["started"],
        held["ended"],
        held["seconds"],
        held["status"],
        held["exit_code"],
        held.get("parent"),
        held["who"].get("name"),
        held["host"],
        code["branch"],
        code["commit"],
        held.get("note"),
        text(held["params"]),
        text(held["metrics"]),
        text(said.parsed(held["tags"])) if held.get("tags") else "{}",
    )
    if not all(value is None or type(value) in _CELLS for value in row):
        raise TypeError("a field has the wrong type")
    if not isinstance(held["params"], dict) or not all(map(_is_number, held["metrics"].values())):
        raise TypeError("parameters or metrics are none")
    return row


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or value in ("nan", "inf", "-inf")


def _add_said(oid: str, held: Any, found: Rows, text: Callable[[Any], str]) -> None:
    try:
        told = [(*one[:3], text(one.value), one.time, oid) for one in said.read(held)]
    except (AttributeError, KeyError, TypeError) as error:
        raise IntegrityError(f"audit entry {oid} is malformed: {error}") from error
    found.said.extend(told)


class _Json(NamedTuple):
    """How records are read, and values written for SQLite, which finds names as they are only."""

    load: Callable[[bytes], Any]
    text: Callable[[Any], str]


def _text(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


_PLAIN = _Json(canonical.decode, _text)


def _fast() -> _Json:
    """Return what is fast with many records; what it would read otherwise goes the usual way."""
    import orjson

    def load(data: bytes) -> Any:
        try:
            held = orjson.loads(data)
            values = held["params"].values() if "params" in held else ()
        except (AttributeError, TypeError, ValueError):
            return canonical.decode(data)
        if any(isinstance(value, float) and abs(value) >= _LONG for value in values):
            return canonical.decode(data)
        return held

    def text(value: Any) -> str:
        try:
            return orjson.dumps(value).decode()
        except (TypeError, ValueError):
            return _text(value)

    return _Json(load, text)
