"""The words and signs that a condition is made of, and pointing at one that is wrong."""

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import NoReturn

from mlops_cli.core.conditions import Name, Side, Value
from mlops_cli.errors import RequestError

_SHOWN = 60
_DIGITS = 100  # a longer number is read as a float
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | `(?P<tick>[^`]+)`
      | (?P<word>[^\W\d][\w./@:%-]*)
      | (?P<infinite>[+-]inf\b)
      | (?P<sign>==|!=|<=|>=|=|<|>|~|\(|\)|,|&&|\|\||!)
      | (?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | `(?P<tick>[^`]+)`
      | (?P<word>[^\W\d][\w.]*)
      | (?P<sign>==|!=|<=|>=|=|<|>|~|\(|\)|,|&&|\|\||!|[-+*/])
      | (?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
"""Where signs are for computing."""
_SIGNS = {"=": "==", "&&": "and", "||": "or", "!": "not"}
_KEYWORDS = ("and", "or", "not", "in", "like")
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
_NUMBERS = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: a sign or keyword, else `side` is the name or value that it is."""

    sign: str
    at: int
    side: Side | None = None


def cut(text: str, where: str, *, computes: bool) -> list[Token]:
    """Return the pieces of a text, the last of them its end.

    `computes`: a sign between numbers is one to compute with, and no name has one in it.

    Raises:
        RequestError: it is no condition; `where` says what it was given for.
    """
    pattern = _PLAIN_TOKEN if computes else _TOKEN
    tokens: list[Token] = []
    at = 0
    while not tokens or tokens[-1].sign != "end":
        found = pattern.match(text, at)
        if found is None:
            _refuse_start(text, at, where)
        kind = str(found.lastgroup)
        start = found.start(kind) - (kind == "tick")
        tokens.append(_token(kind, found[kind], start))
        at = found.end()
    return tokens


def _refuse_start(text: str, at: int, where: str) -> NoReturn:
    at += len(text[at:]) - len(text[at:].lstrip())
    first = text[at]
    if first in "'\"`":
        raise wrong(text, at, f"this {first} is not closed", where=where)
    if re.match(r"[+-]?\.?\d", text[at:]):
        what = "this is no number; a text needs quotes"
        raise wrong(text, at, what, where=where, hint="name == '1a'")
    raise wrong(text, at, f"'{first}' means nothing here", where=where)


def _token(kind: str, text: str, at: int) -> Token:
    lowered = text.lower()
    if kind == "end":
        return Token("end", at)
    if kind == "sign":
        return Token(_SIGNS.get(text, text), at)
    if kind == "tick":
        return Token("side", at, Name(text, at))
    if kind == "quoted":
        return Token("side", at, Value(re.sub(r"\\([\\'\"])", r"\1", text[1:-1]), at))
    if kind == "number":
        whole = text.lstrip("+-").isdigit() and len(text) < _DIGITS
        return Token("side", at, Value(int(text) if whole else float(text), at))
    if lowered in _KEYWORDS:
        return Token(lowered, at)
    if lowered in _NUMBERS:
        return Token("side", at, Value(_NUMBERS[lowered], at))
    if lowered in _CONSTANTS:
        return Token("side", at, Value(_CONSTANTS[lowered], at))
    return Token("side", at, Name(text, at))


def wrong(text: str, at: int, what: str, *, where: str, hint: str | None = None) -> RequestError:
    """Return the error that shows the line of the text, and a caret below the place."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0]
    column = at - start
    cut = max(0, min(column - _SHOWN // 2, len(line) - _SHOWN))
    before = ("…" if cut else "") + line[cut:column]
    after = line[column : cut + _SHOWN] + ("…" if len(line) > cut + _SHOWN else "")
    shown = "".join(letter if letter.isprintable() else " " for letter in before + after)
    caret = " " * sum(_columns(letter) for letter in before) + "^"
    return RequestError(f"{where}: {what}\n    {shown}\n    {caret}", hint=hint)


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
