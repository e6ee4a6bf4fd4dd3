"""Conditions such as `metrics.auc > 0.9 and params.depth <= 6`: read, checked and answered.

Nothing is executed: there are comparisons, `and`, `or`, `not` and parentheses, no more.

```
condition   either {"or" either};  either = inverse {"and" inverse};  inverse = ["not"] test
test        "(" condition ")" | side {compared side} | side ["not"] "in" "(" value {"," value} ")"
            | side ["not"] ("~" | "like") text
compared    == = != < <= > >=
side        name | value
name        auc  metrics.auc  val/loss  params.model.depth  `metrics.any text at all`
value       12  -1.5e-3  inf  nan  'text'  "text"  true  false  null
```

Where arithmetic is asked for, as in rules about rows, a side may be computed, and a name has no
signs in it unless it stands in backticks:

```
side        product {("+" | "-") product};  product = factor {("*" | "/") factor}
factor      ["-"] (name | value | "(" side ")")
```
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from mlops_cli.core.conditions import (
    ARITHMETIC,
    Both,
    Comparison,
    Computed,
    Either,
    LookUp,
    Name,
    Node,
    Not,
    Side,
    Term,
    Value,
    is_number,
    names,
)
from mlops_cli.core.expression_tokens import cut, wrong

MAX_DEPTH = 64
"""Parentheses and `not` within each other."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that was read from `text`."""

    text: str
    node: Node
    where: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names it speaks of, each once, as they come."""
        return tuple(dict.fromkeys(name.text for name in names(self.node)))

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Each name, with where in the text it stands."""
        return tuple((name.text, name.at) for name in names(self.node))

    def holds(self, look_up: LookUp) -> bool:
        """Return whether the condition holds, where `look_up` says what a name stands for.

        `look_up` returns MISSING for what there is not: comparing with that is false.
        """
        return self.node.holds(look_up)

    def refuse(self, name: str, what: str, *, hint: str | None = None) -> NoReturn:
        """Raise the RequestError that points at a name in the text."""
        at = next((one.at for one in names(self.node) if one.text == name), 0)
        raise wrong(self.text, at, what, where=self.where, hint=hint)


def parse(text: str, *, where: str, arithmetic: bool = False) -> Expression:
    """Return the condition in a text; `where` says in errors what it was given for.

    With `arithmetic` its sides may be computed: `total == price * count`.

    Raises:
        RequestError: it does not parse; the message points at the place.

    >>> condition = parse("auc > 0.9 and not params.depth in (7, 8)", where="--filter")
    >>> condition.names
    ('auc', 'params.depth')
    >>> condition.holds({"auc": 0.95, "params.depth": 6}.get)
    True
    """
    parser = _Computing(text, where) if arithmetic else _Parser(text, where)
    return Expression(text, parser.whole(), where)


_COMPARED = ("==", "!=", "<", "<=", ">", ">=")


class _Parser:
    """Reads one text from left to right."""

    computes = False

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self._tokens = cut(text, where, computes=self.computes)
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        """Return the condition that the whole text is."""
        if self._tokens[0].sign == "end":
            self._refuse(0, "a condition is missing")
        node = self._either()
        if (rest := self._tokens[self._next]).sign != "end":
            what = "this ')' closes nothing" if rest.sign == ")" else "'and' or 'or' is missing"
            self._refuse(rest.at, what)
        return node

    def _either(self) -> Node:
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Node:
        parts = [self._inverse()]
        while self._took("and"):
            parts.append(self._inverse())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _inverse(self) -> Node:
        at = self._tokens[self._next].at
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(at, f"more than {MAX_DEPTH} conditions within each other")
        try:
            if self._took("not"):
                return Not(self._inverse())
            if self._opens() and self._took("("):
                node = self._either()
                self._expect(")", at, "this '(' is not closed")
                return node
            return self._test()
        finally:
            self._depth -= 1

    def _opens(self) -> bool:
        """Return whether a '(' that comes next is one around a condition."""
        return True

    def _test(self) -> Node:
        left = self._term()
        found: list[Node] = []
        side = left
        while (sign := self._tokens[self._next].sign) in _COMPARED:
            self._next += 1
            right = self._term(after=sign)
            found.append(Comparison(side, sign, right))  # type: ignore[arg-type]
            side = right
        if found:
            return found[0] if len(found) == 1 else Both(tuple(found))
        return self._matched(left)

    def _matched(self, left: Term) -> Node:
        at = self._next
        contrary = self._took("not")
        node: Node
        if self._took("in"):
            node = self._member(left)
        elif self._took("~"):
            node = Comparison(left, "~", self._pattern("~"))
        elif self._took("like"):
            node = Comparison(left, "~", self._pattern("like"))
        elif isinstance(left, Computed):
            self._refuse(self._tokens[self._next].at, "a comparison is missing", hint="a + b > 0")
        else:
            self._next = at
            return left
        return Not(node) if contrary else node

    def _member(self, left: Term) -> Node:
        at = self._tokens[self._next].at
        if not self._took("("):
            self._refuse(at, "'in' needs a list", hint="name in (1, 2, 'three')")
        parts = [Comparison(left, "==", self._value())]
        while self._took(","):
            if self._tokens[self._next].sign == ")":
                break
            parts.append(Comparison(left, "==", self._value()))
        self._expect(")", at, "this '(' is not closed")
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _pattern(self, sign: str) -> Value:
        at = self._tokens[self._next].at
        side = self._value(after=sign)
        if not isinstance(side.held, str):
            self._refuse(at, f"'{sign}' needs a text", hint=f"name {sign} 'text'")
        if sign == "like":
            return Value(_like(side.held), side.at)
        try:
            re.compile(side.held)
        except (re.error, OverflowError, RecursionError) as error:
            self._refuse(at, f"this is no regular expression: {error}")
        return side

    def _value(self, after: str = "") -> Value:
        at = self._tokens[self._next].at
        side = self._side(after=after)
        if isinstance(side, Name):
            self._refuse(at, "a text needs quotes", hint=f"'{side.text}'")
        return side

    def _term(self, after: str = "") -> Term:
        return self._side(after)

    def _side(self, after: str = "") -> Side:
        token = self._tokens[self._next]
        if token.side is None:
            behind = f" after '{after}'" if after else ""
            self._refuse(token.at, f"a name or a value is missing{behind}")
        self._next += 1
        return token.side

    def _took(self, sign: str) -> bool:
        if self._tokens[self._next].sign != sign:
            return False
        self._next += 1
        return True

    def _expect(self, sign: str, at: int, what: str) -> None:
        if self._took(sign):
            return
        token = self._tokens[self._next]
        if token.sign == "end":
            self._refuse(at, what)
        self._refuse(token.at, "'and', 'or' or ')' is missing")

    def _refuse(self, at: int, what: str, *, hint: str | None = None) -> NoReturn:
        raise wrong(self._text, at, what, where=self._where, hint=hint)


class _Computing(_Parser):
    """Reads conditions whose sides may be computed."""

    computes = True

    def _opens(self) -> bool:
        """A '(' whose ')' is followed by a sign is around a side."""
        depth = 0
        for token, after in pairwise(self._tokens[self._next :]):
            depth += (token.sign == "(") - (token.sign == ")")
            if depth <= 0:
                return after.sign not in (*_COMPARED, *ARITHMETIC, "in", "~", "like")
        return True

    def _term(self, after: str = "") -> Term:
        side = self._product(after)
        while (sign := self._tokens[self._next].sign) in ("+", "-"):
            self._next += 1
            side = Computed(side, sign, self._product(sign))
        return side

    def _product(self, after: str) -> Term:
        side = self._factor(after)
        while (sign := self._tokens[self._next].sign) in ("*", "/"):
            self._next += 1
            side = Computed(side, sign, self._factor(sign))
        return side

    def _factor(self, after: str) -> Term:
        at = self._tokens[self._next].at
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(at, f"more than {MAX_DEPTH} conditions within each other")
        try:
            if self._took("("):
                side = self._term()
                self._expect(")", at, "this '(' is not closed")
                return side
            if self._took("-"):
                return self._negative(self._factor("-"), at)
            return self._side(after)
        finally:
            self._depth -= 1

    @staticmethod
    def _negative(side: Term, at: int) -> Term:
        if isinstance(side, Value) and is_number(side.held):
            return Value(-side.held, at)
        return Computed(Value(0, at), "-", side)

    def _value(self, after: str = "") -> Value:
        at = self._tokens[self._next].at
        side = self._factor(after)
        if not isinstance(side, Value):
            hint = f"'{side.text}'" if isinstance(side, Name) else None
            self._refuse(at, "a text needs quotes" if hint else "a value is missing", hint=hint)
        return side


def _like(pattern: str) -> str:
    """Return the regular expression for SQL's LIKE: % is any text, _ any letter, case is equal."""
    known = {"%": ".*", "_": "."}
    return "(?is)^" + "".join(known.get(letter, re.escape(letter)) for letter in pattern) + "$"
