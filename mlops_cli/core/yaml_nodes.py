"""YAML that people write, read into typed values; each mistake names file, line and key.

Use it for settings, pointers and the lock file alike:

    document = yaml_nodes.parse(data, where="data/raw.csv.mlo")      # -> Value
    pointer = document.record(
        Pointer,                                        # called with the keys that are there
        {"id": _id, "size": lambda v: v.integer(minimum=0), "kind": _kind},
        required=("id", "size"),
    )

A reader such as `_id` takes a `Value`, and returns what it holds or raises `value.fail(...)`:

    def _id(value: Value) -> ObjectId:
        text = value.word()                             # as written; `text()` refuses numbers
        if not is_id(text):
            raise value.fail("is not an id: 64 hex digits are needed")
        return ObjectId(text)

`value.fields(...)`, `items()`, `each()`, `text()`, `word()`, `integer()`, `number()`,
`boolean()`, `choice()` and `plain()` are the rest. All raise RequestError and nothing else.

Scalars follow YAML 1.2's core schema, so `1e-4` is a number and `2024-01-01` is text. What
YAML 1.1 and 1.2 read differently (`no`, `010`) has no meaning here: `plain()` asks for quotes.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from mlops_cli.core.yaml_text import BOOL, FLOAT, INT, MAP, NULL, SEQ, STR, compose
from mlops_cli.errors import RequestError

T = TypeVar("T")

_WORDS = {
    NULL: "nothing",
    BOOL: "true or false",
    INT: "a whole number",
    FLOAT: "a number",
    STR: "text",
    MAP: "a mapping",
    SEQ: "a list",
}
_SHAPES = {MAP: "mapping", SEQ: "sequence"}
_BINARY_WORDS = frozenset({"yes", "no", "on", "off"})
_TWO_READINGS = r"[-+]?0[0-9]+|[-+]?[0-9][0-9_]*_[0-9_]*|[-+]?[0-9]+(:[0-5]?[0-9])+"


def parse(data: bytes, *, where: str) -> "Value":
    """Return the one document in `data`; an empty one is a value that holds nothing.

    `where` names the file in errors.

    Raises:
        RequestError: the bytes hold a merge-conflict marker, are not UTF-8, or not YAML.
    """
    return Value(compose(data, where), where)


class Value:
    """A value in a document, which knows where it stands."""

    __slots__ = ("_key", "_node", "_parent", "where")

    def __init__(self, node: Any, where: str, parent: "Value | None" = None, key: str = "") -> None:
        self._node = node
        self.where = where
        self._parent = parent
        self._key = key

    @property
    def node(self) -> Any:
        """The node of YAML that it is of."""
        return self._node

    @property
    def line(self) -> int:
        """The line it begins on, from 1."""
        mark = self._node.start_mark
        return 1 if mark is None else int(mark.line) + 1

    @property
    def path(self) -> str:
        """The keys that lead here, such as `steps.train.deps[0]`; empty for the document."""
        if self._parent is None:
            return ""
        above = self._parent.path
        if self._key.startswith("["):
            return above + self._key
        return f"{above}.{self._key}" if above else self._key

    def fail(self, problem: str, *, hint: str | None = None) -> RequestError:
        """Return the error that says `problem` of this value; the caller raises it."""
        path = self.path
        said = f"{self.where}:{self.line}: " + (f"'{path}' {problem}" if path else problem)
        shown = "".join(letter if letter.isprintable() else "?" for letter in said)
        return RequestError(shown, hint=hint)

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return self._kind() == MAP

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return self._kind() == SEQ

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is written, or `null`."""
        return self._kind() == NULL

    def items(self) -> Iterator[tuple[str, "Value"]]:
        """Yield each key, as written, and its value; nothing counts as an empty mapping.

        Raises:
            RequestError: it is no mapping, a key is there twice, or a key is not a word.
        """
        if self.is_nothing:
            return
        self._must_be(MAP)
        lines: dict[str, int] = {}
        for key_node, node in self._node.value:
            if key_node.id != "scalar":
                raise Value(key_node, self.where, self, "?").fail("is a key, so it must be text")
            key = key_node.value
            if key == "<<":
                raise Value(key_node, self.where, self, key).fail(
                    "is a merge key, which YAML 1.2 does not have", hint="write its keys out"
                )
            if key in lines:
                raise Value(key_node, self.where, self, key).fail(
                    f"is there twice, first on line {lines[key]}", hint="keep one of the two"
                )
            lines[key] = key_node.start_mark.line + 1
            yield key, Value(node, self.where, self, key)

    def fields(self, known: Iterable[str], *, required: Iterable[str] = ()) -> dict[str, "Value"]:
        """Return the values by key, where only `known` keys may be there.

        Raises:
            RequestError: as of `items`; another key, with the nearest known one as the hint;
                or a required key is missing.
        """
        known = tuple(known)
        found = dict(self.items())
        for key in found:
            if key not in known:
                raise self._unknown(key, known)
        for key in required:
            if key not in found:
                raise self.fail(f"needs the key '{key}'", hint=f"add {key}: ...")
        return found

    def record(
        self,
        make: Callable[..., T],
        readers: Mapping[str, Callable[["Value"], Any]],
        *,
        required: Iterable[str] = (),
    ) -> T:
        """Return `make(key=reader(value), ...)` for the keys that are there.

        Raises:
            RequestError: as of `fields`, or from a reader.
        """
        found = self.fields(readers, required=required)
        return make(**{key: readers[key](value) for key, value in found.items()})

    def each(self) -> Iterator["Value"]:
        """Yield each value of a list; nothing counts as an empty list."""
        if self.is_nothing:
            return
        self._must_be(SEQ)
        for index, node in enumerate(self._node.value):
            yield Value(node, self.where, self, f"[{index}]")

    def text(self) -> str:
        """Return text that is not empty."""
        self._must_be(STR, hint="put it in quotes if it is meant as text")
        return self._not_empty()

    def word(self) -> str:
        """Return a scalar as it is written, also when it looks like a number."""
        if self._node.id != "scalar" or self.is_nothing:
            self._must_be(STR)
        return self._not_empty()

    def choice(self, *words: str) -> str:
        """Return text that is one of `words`."""
        word = self.word()
        if word not in words:
            raise self.fail(f"is '{word[:80]}'", hint=suggest(word, words))
        return word

    def integer(self, *, minimum: int | None = None, maximum: int | None = None) -> int:
        """Return a whole number within bounds that count as allowed."""
        self._must_be(INT)
        number = int(self._number())
        self._check_range(number, minimum, maximum)
        return number

    def number(self, *, minimum: float | None = None, maximum: float | None = None) -> float:
        """Return a finite number within bounds that count as allowed."""
        if self._kind() != INT:
            self._must_be(FLOAT)
        try:
            number = float(self._number())
        except OverflowError as error:
            raise self.fail("is too large a number") from error
        self._check_range(number, minimum, maximum)
        return number

    def boolean(self) -> bool:
        """Return true or false."""
        self._must_be(BOOL)
        return str(self._node.value) in ("true", "True", "TRUE")

    def plain(self) -> Any:
        """Return what is here as dict, list, str, int, float, bool and None, keys as written.

        Raises:
            RequestError: a number is not finite, or a word has two readings in YAML.
        """
        kind = self._kind()
        if kind == MAP:
            return {key: value.plain() for key, value in self.items()}
        if kind == SEQ:
            return [value.plain() for value in self.each()]
        if kind == BOOL:
            return self.boolean()
        if kind == NULL:
            return None
        self._check_one_reading()
        return str(self._node.value) if kind == STR else self._number()

    def _kind(self) -> str:
        tag = str(self._node.tag)
        if tag not in _WORDS or _SHAPES.get(tag, "scalar") != self._node.id:
            raise self.fail(f"has the tag '{tag[:80]}'", hint="leave tags out: write plain values")
        return tag

    def _must_be(self, kind: str, *, hint: str | None = None) -> None:
        found = self._kind()
        if found == kind:
            return
        has = _WORDS[found]
        scalar = self._node.id == "scalar"
        value = str(self._node.value) if scalar else ""
        if scalar and found != NULL and len(value) <= 40:
            has = f"'{value}'" if found != STR else f"the text '{value}'"
        if kind == BOOL and value in _BINARY_WORDS:
            hint = f"write {'true' if value in ('yes', 'on') else 'false'}"
        raise self.fail(f"must be {_WORDS[kind]}, not {has}", hint=hint)

    def _not_empty(self) -> str:
        text = str(self._node.value)
        if not text.strip():
            raise self.fail("must not be empty")
        return text

    def _number(self) -> int | float:
        written = str(self._node.value)
        try:
            if self._node.tag == INT:
                base = {"0o": 8, "0x": 16}.get(written[:2], 10)
                return int(written, base)
            number = float(written.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as error:
            raise self.fail("is not a number that can be read") from error
        if not math.isfinite(number):
            raise self.fail("must be a finite number")
        return number

    def _check_range(self, number: float, minimum: float | None, maximum: float | None) -> None:
        if minimum is not None and number < minimum:
            raise self.fail(f"is {number}, must be at least {minimum}")
        if maximum is not None and number > maximum:
            raise self.fail(f"is {number}, must be at most {maximum}")

    def _check_one_reading(self) -> None:
        written = str(self._node.value)
        if not self._node.style and (
            written.lower() in _BINARY_WORDS or re.fullmatch(_TWO_READINGS, written)
        ):
            raise self.fail(
                f"is {written}, which YAML 1.1 and 1.2 read differently",
                hint=f'write true or false, or "{written}" in quotes'
                if written.lower() in _BINARY_WORDS
                else f'write a plain number, or "{written}" in quotes',
            )

    def _unknown(self, key: str, known: tuple[str, ...]) -> RequestError:
        node = next(k for k, _ in self._node.value if k.value == key)
        value = Value(node, self.where, self, key)
        return value.fail("is not a known key", hint=suggest(key, known))


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the hint that names the nearest of `known`, or all of them when none is near."""
    import difflib

    known = tuple(known)
    near = difflib.get_close_matches(word.lower(), known, n=3, cutoff=0.6)
    if near:
        swapped = [one for one in near if sorted(one) == sorted(word.lower())]
        return f"did you mean '{(swapped or near)[0]}'?"
    return "known here: " + ", ".join(known)
