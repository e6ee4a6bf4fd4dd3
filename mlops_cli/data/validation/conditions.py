"""Rules about rows, answered for all rows of a block at once.

As in SQL's CHECK, a comparison with a missing value is neither true nor false, and a row fails
only where its rule is false; `x == null` asks for what is missing. Moments count as seconds.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlops_cli.core import conditions
from mlops_cli.core.conditions import Both, Comparison, Computed, Either, Name, Node, Not, Term
from mlops_cli.core.records import dataclass
from mlops_cli.data.validation import moments
from mlops_cli.data.validation.cells import Cells, Kind, cells

if TYPE_CHECKING:
    import numpy as np

    Mask = np.ndarray[Any, Any]
    Verdict = tuple[Mask, Mask]


def failing(node: Node, columns: Mapping[str, Cells], rows: int) -> "Verdict":
    """Return where a rule does not hold, and where it could be asked at all."""
    true, false = _Block(columns, rows).verdict(node)
    return false, true | false


def fails(node: Node, look_up: Callable[[str], Any]) -> bool:
    """Return whether one row does not meet a rule; moments are to be seconds already."""
    return _said(node, look_up) is False


@dataclass(frozen=True, slots=True)
class _Side:
    """Values with where they are known; a constant has no mask."""

    kind: Kind | None
    values: Any
    known: "Mask | None"
    cells: Cells | None = None


class _Block:
    """The columns of a block of rows."""

    def __init__(self, columns: Mapping[str, Cells], rows: int) -> None:
        self._columns = columns
        self._rows = rows

    def verdict(self, node: Node) -> "Verdict":
        """Return where a condition is true, and where it is false."""
        import numpy as np

        if isinstance(node, Not):
            true, false = self.verdict(node.part)
            return false, true
        if isinstance(node, Both | Either):
            all_of = isinstance(node, Both)
            true, false = self.verdict(node.parts[0])
            for part in node.parts[1:]:
                one, other = self.verdict(part)
                true, false = (true & one, false | other) if all_of else (true | one, false & other)
            return true, false
        if isinstance(node, Comparison):
            return self._compared(node)
        if isinstance(node, Name):
            return self._alone(self._columns[node.text])
        held = np.full(self._rows, bool(node.held))
        return held, ~held

    def _alone(self, one: Cells) -> "Verdict":
        """A name alone is true where its value counts as true."""
        if one.kind == "text":
            said = mapped(one.values, lambda text: bool(text) and text != "false")
        else:
            said = one.values != 0
        return said & one.fits, ~said & one.fits

    def _compared(self, node: Comparison) -> "Verdict":
        import numpy as np

        left, right = self._side(node.left), self._side(node.right)
        for one, other in ((left, right), (right, left)):
            if one.known is None and one.values is None:
                return self._is_null(other, node.operator)
        known = _known(left, right)
        if known is None:
            said = conditions.compared(left.values, node.operator, right.values)
            mask = np.full(self._rows, said)
            return mask, ~mask
        with np.errstate(invalid="ignore"):
            held = _held(left, node.operator, right)
        held = np.broadcast_to(np.asarray(held, dtype=bool), (self._rows,))
        return held & known, ~held & known

    def _is_null(self, side: _Side, operator: str) -> "Verdict":
        import numpy as np

        nowhere = np.zeros(self._rows, dtype=bool)
        if operator not in ("==", "!="):
            return nowhere, nowhere
        absent = np.full(self._rows, side.values is None)
        if side.cells is not None:
            absent = ~side.cells.present
        elif side.known is not None:
            absent = ~side.known
        return (absent, ~absent) if operator == "==" else (~absent, absent)

    def _side(self, term: Term) -> _Side:
        if isinstance(term, Name):
            one = self._columns[term.text]
            return _Side(one.kind, one.values, one.fits, one)
        if isinstance(term, Computed):
            return self._computed(term)
        return _Side(_kind_of(term.held), term.held, None)

    def _computed(self, term: Computed) -> _Side:
        import numpy as np

        left, right = _numbers(self._side(term.left)), _numbers(self._side(term.right))
        nowhere = np.zeros(self._rows, dtype=bool)
        if left.kind != "number" or right.kind != "number":
            return _Side("number", np.zeros(self._rows), nowhere)
        with np.errstate(all="ignore"):
            found = np.asarray(_SIGNS[term.sign](left.values, right.values), dtype=np.float64)
        found = np.broadcast_to(found, (self._rows,))
        known = _known(left, right)
        there = np.isfinite(found)
        return _Side("number", found, there if known is None else there & known)


def _known(left: _Side, right: _Side) -> "Mask | None":
    if left.known is None:
        return right.known
    return left.known if right.known is None else left.known & right.known


def _kind_of(held: Any) -> Kind | None:
    if held is None:
        return None
    if isinstance(held, bool):
        return "boolean"
    return "text" if isinstance(held, str) else "number"


def _numbers(side: _Side) -> _Side:
    """Return a side as numbers where it is some: moments are seconds, text may read as one."""
    import numpy as np

    if side.kind == "datetime":
        return _Side("number", side.values, side.known)
    if side.kind == "number" and side.known is not None and side.values.dtype.kind in "iu":
        return _Side("number", side.values.astype(np.float64), side.known)
    if side.kind == "text" and side.cells is not None:
        read = cells(side.cells.raw, "number")
        return _Side("number", read.values, read.fits)
    return side


def _held(left: _Side, sign: str, right: _Side) -> Any:
    """Return where a comparison is true; of values of kinds that do not compare it is not."""
    if sign == "~":
        return _matched(left, str(right.values))
    left, right = _alike(left, right)
    if left.kind != right.kind or (left.kind == "boolean" and sign not in ("==", "!=")):
        return sign == "!="
    if left.kind == "text" and sign not in ("==", "!="):
        return _COMPARED[sign](_objects(left.values), _objects(right.values))
    found = _COMPARED[sign](left.values, right.values)
    return found.to_numpy(dtype=bool, na_value=False) if hasattr(found, "to_numpy") else found


def _alike(left: _Side, right: _Side) -> tuple[_Side, _Side]:
    """Return two sides as the kind that both can be, which is what `compared` does."""
    kinds = {left.kind, right.kind}
    if kinds == {"datetime", "text"}:
        return _moments(left), _moments(right)
    if kinds == {"datetime", "number"}:
        return _numbers(left), _numbers(right)
    if kinds == {"number", "text"}:
        return _as_number(left), _as_number(right)
    return left, right


def _as_number(side: _Side) -> _Side:
    if side.kind != "text":
        return side
    if side.cells is not None:
        return _numbers(side)
    try:
        return _Side("number", float(side.values), None)
    except ValueError:
        return side


def _moments(side: _Side) -> _Side:
    if side.kind == "datetime":
        return side
    if side.cells is not None:
        read = cells(side.cells.raw, "datetime")
        return _Side("datetime", read.values, read.fits)
    moment = moments.seconds(str(side.values))
    return side if moment is None else _Side("datetime", moment, None)


def _objects(values: Any) -> Any:
    """Return texts as an array that compares letter by letter, with "" where one is missing."""
    return values.fillna("").to_numpy(dtype=object) if hasattr(values, "fillna") else values


def _matched(left: _Side, pattern: str) -> Any:
    search = re.compile(pattern).search
    if left.kind == "text" and left.cells is not None:
        return mapped(left.values, lambda text: search(text) is not None)
    if left.known is None:
        return search(str(left.values)) is not None
    import pandas as pd

    return mapped(pd.Series(left.values).map(str), lambda text: search(text) is not None)


def mapped(texts: Any, test: Callable[[str], bool]) -> "Mask":
    """Return whether a test holds of each text, asked once for each different one."""
    import numpy as np
    import pandas as pd

    codes, known = pd.factorize(texts)
    different = np.asarray(known, dtype=object)
    said = np.fromiter(map(test, different), dtype=bool, count=len(different))
    return said[codes] if len(said) else np.zeros(len(codes), dtype=bool)


_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _said(node: Node, look_up: Callable[[str], Any]) -> bool | None:
    """Return whether a condition is true or false of one row, or None."""
    if isinstance(node, Not):
        said = _said(node.part, look_up)
        return None if said is None else not said
    if isinstance(node, Both | Either):
        ends = isinstance(node, Either)
        parts = [_said(part, look_up) for part in node.parts]
        return ends if ends in parts else None if None in parts else not ends
    if isinstance(node, Comparison):
        return _row_compared(node, look_up)
    if isinstance(node, Name):
        value = node.value(look_up)
        return None if value is None else conditions.truth(value)
    return bool(node.held)


def _row_compared(node: Comparison, look_up: Callable[[str], Any]) -> bool | None:
    left, right = node.left.value(look_up), node.right.value(look_up)
    nulls = [
        isinstance(side, conditions.Value) and side.held is None for side in (node.left, node.right)
    ]
    missing = [one is None or one is conditions.MISSING for one in (left, right)]
    if any(nulls):
        both = all(missing)
        return {"==": both, "!=": not both}.get(node.operator)
    return None if any(missing) else conditions.compared(left, node.operator, right)
