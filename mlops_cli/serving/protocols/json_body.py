"""JSON from a client: read quickly when it is good, explained when it is not."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from mlops_cli.registry.values import shown
from mlops_cli.serving.refusal import Problem, Refused, refuse_values
from mlops_cli.serving.validate import Table, Validator


class Make(Protocol):
    """Makes a checked table of a JSON value; `finite` says that no number in it is NaN."""

    def __call__(self, value: Any, *, finite: bool) -> Table:
        """Return the table, or raise Refused."""
        ...


_KEY = re.compile(rb'"[ \t\r\n]*:')


def read(body: bytes, validator: Validator, make: Make, *, lax: bool = False) -> Table:
    """Return the table that `make` makes of the JSON in `body`.

    `make` gets the value, and whether all its numbers are finite. A body that would be JSON but
    for NaN, Infinity or half a surrogate pair is given to it too, only so that row and field can
    be named; with `lax` NaN is taken, as some clients write it for what is missing.

    Raises:
        Refused: 400 for what is not JSON, and whatever `make` raises.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        refusal = Refused(400, f"the body is not JSON: {error.msg}, {place}")
        table = make(_nearly_json(body, refusal), finite=False)
        _refuse_halves(table, validator)
        if not lax:
            raise refusal from error
        return table
    return make(value, finite=True)


def names(value: Any) -> int:
    """Return how many names there are in the objects of a JSON value.

    Of the lists only those that begin with an object are looked into: others are data.
    """
    if type(value) is dict:
        return len(value) + sum(names(one) for one in value.values() if type(one) in (dict, list))
    if type(value) is list and value and type(value[0]) is dict:
        return sum(map(names, value))
    return 0


def once(body: bytes, keys: int, columns: Iterable[Sequence[Any]] = ()) -> None:
    """Refuse with 400 a body with more than `keys` names, if one is twice in an object.

    Python and orjson would quietly take the last. Counting costs far less than parsing again: each
    name has a colon behind it, and those in the text of `columns` are no names.
    """
    colons = body.count(b":")
    if colons <= keys or colons <= keys + _colons(columns) or len(_KEY.findall(body)) <= keys:
        return

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            given = [name for name, _ in pairs]
            name = next(name for name in given if given.count(name) > 1)
            raise Refused(400, f"the name '{shown(name)}' is twice in one object")
        return made

    json.loads(body, object_pairs_hook=distinct)


def _colons(columns: Iterable[Sequence[Any]]) -> int:
    texts = [values for values in columns if type(values[0]) in (str, type(None))]
    return sum(value.count(":") for values in texts for value in values if type(value) is str)


@dataclass(frozen=True, slots=True)
class _Type:
    """A content type without its parameters, and its character set."""

    kind: str
    charset: str


def check_type(
    headers: Mapping[bytes, bytes], *, taken: tuple[str, ...] = ("application/json",)
) -> str:
    """Return the content type of a request, one of `taken`, or refuse it with 415.

    A missing type is refused too: browsers send such bodies across sites unasked.
    """
    got = headers.get(b"content-type", b"")
    if got == b"application/json" and "application/json" in taken:
        return "application/json"
    text = got.decode("latin-1")
    found = _parsed(text)
    if found.kind not in taken or found.charset not in {"", "utf-8", "utf8"}:
        said = f"got '{shown(text)}'" if got else "got none"
        raise Refused(
            415,
            f"the content type must be {' or '.join(taken)}, {said}: send the header"
            f" 'Content-Type: {taken[0]}'",
        )
    return found.kind


def _parsed(text: str) -> _Type:
    kind, _, parameters = text.partition(";")
    charset = ""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return _Type(kind.strip().lower(), charset)


def _nearly_json(body: bytes, refusal: Refused) -> Any:
    """Return a body that only Python's reader takes; any other raises `refusal`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise refusal from None


def _refuse_halves(table: Table, validator: Validator) -> None:
    """Refuse text with half a surrogate pair, which no file can hold as UTF-8."""
    problems = [
        Problem(row, name, "must be text in whole characters, got half of a surrogate pair")
        for name, values in zip(validator.names, table.columns, strict=True)
        for row, value in enumerate(values)
        if isinstance(value, str) and not _whole(value)
    ]
    if problems:
        problems.sort(key=lambda one: one.row or 0)
        raise refuse_values(problems, len(problems))


def _whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
