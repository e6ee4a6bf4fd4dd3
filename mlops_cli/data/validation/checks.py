"""What a schema asks of single cells, compiled to tests of a block of them."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mlops_cli.core.records import dataclass
from mlops_cli.data.validation import moments
from mlops_cli.data.validation.cells import Cells
from mlops_cli.data.validation.conditions import mapped
from mlops_cli.data.validation.schema import Bound, ColumnRule

if TYPE_CHECKING:
    import numpy as np

    Mask = np.ndarray[Any, Any]

_NAMED = 8


@dataclass(frozen=True, slots=True)
class CellCheck:
    """One test of a column's cells.

    Attributes:
        fails: where it does not hold; only what is so where `asked` is counts.
        asked_of: where it is asked.
        wanted: what is asked for, in words.
        said: what is so of a cell that fails.
    """

    kind: str
    wanted: str
    said: str
    fails: "Callable[[Cells], Mask]"
    asked_of: "Callable[[Cells], Mask]" = lambda one: one.fits


def cell_checks(rule: ColumnRule) -> Iterator[CellCheck]:
    """Yield the tests of a column, in the order in which they are told."""
    if rule.missing < 1:
        import numpy as np

        yield CellCheck(
            "missing",
            "no value missing" if not rule.missing else f"at most {rule.missing:.4g} missing",
            "is missing",
            lambda one: ~one.present,
            lambda one: np.ones(len(one.present), dtype=bool),
        )
    if rule.type != "any":
        yield CellCheck(
            "type", rule.type, f"is no {rule.type}", lambda one: ~one.fits, lambda one: one.present
        )
    yield from _bounds(rule)
    if rule.values is not None:
        yield _values(rule.values)
    if rule.pattern is not None:
        match = re.compile(rule.pattern).fullmatch
        yield CellCheck(
            "pattern",
            f"like {rule.pattern}",
            f"is not like {rule.pattern}",
            lambda one: ~mapped(_texts(one), lambda text: match(text) is not None),
        )
    if rule.shortest is not None or rule.longest is not None:
        yield _length(rule.shortest, rule.longest)


def _bounds(rule: ColumnRule) -> Iterator[CellCheck]:
    for kind, words, said, fails in _BOUNDS:
        bound: Bound | None = getattr(rule, kind)
        if bound is None:
            continue
        limit = moments.seconds(bound) if isinstance(bound, str) else bound
        shown = bound if isinstance(bound, str) else f"{bound:.12g}"
        yield CellCheck(kind, f"{words} {shown}", f"{said} {shown}", _bounded(fails, limit))


def _bounded(fails: Callable[[Any, Any], Any], limit: Any) -> "Callable[[Cells], Mask]":
    def test(one: Cells) -> "Mask":
        import numpy as np

        if one.kind not in ("number", "datetime"):
            return np.ones(len(one.present), dtype=bool)  # text has no size
        found: Mask = fails(one.values, limit)
        return found

    return test


_BOUNDS: tuple[tuple[str, str, str, Callable[[Any, Any], Any]], ...] = (
    ("min", "at least", "is below", lambda values, limit: values < limit),
    ("max", "at most", "is above", lambda values, limit: values > limit),
    ("above", "above", "is not above", lambda values, limit: values <= limit),
    ("below", "below", "is not below", lambda values, limit: values >= limit),
)


def _values(allowed: tuple[Any, ...]) -> CellCheck:
    some = ", ".join(_named(one) for one in allowed[:_NAMED])
    more = f", ... ({len(allowed)} in all)" if len(allowed) > _NAMED else ""
    numbers = [one for one in allowed if isinstance(one, float)]
    seconds = [moments.seconds(one) for one in allowed if isinstance(one, str)]
    words = {one if isinstance(one, str) else _named(one) for one in allowed}
    truths = [one for one in allowed if isinstance(one, bool)]

    def test(one: Cells) -> "Mask":
        import numpy as np

        if one.kind == "text":
            return ~mapped(one.values, lambda text: text in words)
        others: dict[str, list[Any]] = {"number": numbers, "boolean": truths}
        return ~np.isin(one.values, others.get(one.kind, seconds))

    return CellCheck("values", f"one of {some}{more}", f"is none of {some}{more}", test)


def _named(one: Any) -> str:
    if isinstance(one, bool):
        return "true" if one else "false"
    return f"{one:.12g}" if isinstance(one, float) else str(one)


def _length(shortest: int | None, longest: int | None) -> CellCheck:
    if shortest == longest:
        wanted, said = f"{shortest} letters", f"has not {shortest} letters"
    elif longest is None:
        wanted, said = f"at least {shortest} letters", f"is shorter than {shortest} letters"
    elif shortest is None:
        wanted, said = f"at most {longest} letters", f"is longer than {longest} letters"
    else:
        wanted = f"{shortest} to {longest} letters"
        said = f"has not {wanted}"

    def test(one: Cells) -> "Mask":
        import numpy as np

        lengths = _texts(one).str.len().to_numpy(dtype=np.float64, na_value=np.nan)
        low = lengths < shortest if shortest is not None else False
        high = lengths > longest if longest is not None else False
        found: Mask = np.asarray(low | high, dtype=bool)
        return found

    return CellCheck("length", wanted, said, test)


def _texts(one: Cells) -> Any:
    """Return the texts of cells; numbers of a column of any type as they are written."""
    return one.values if one.kind == "text" else one.raw.astype(str)
