"""Whether the trees of a boosted model stay within their own arrays.

XGBoost and LightGBM follow node numbers without looking at bounds: a file that was crafted, or
just cut, makes them read foreign memory. So the numbers are looked at before any row is.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class OutOfBounds(ValueError):
    """A tree, or a table of the file, leads out of the file."""


def need(holds: Any, what: str) -> None:
    """Raise OutOfBounds, saying what is wrong, unless `holds`."""
    if not holds:
        raise OutOfBounds(what)


def within(values: "Array", count: int) -> bool:
    """Return whether all numbers are places in something of `count` entries."""
    return bool(((values >= 0) & (values < count)).all())


def whole(values: Any) -> "Array":
    """Return whole numbers as an array.

    Raises:
        OutOfBounds: they are none.
    """
    import numpy as np

    try:
        found = np.asarray(values, dtype=np.int64)
        need(found.ndim == 1, "a list in a list")
        need((found == np.asarray(values, dtype=np.float64)).all(), "a broken number")
    except (TypeError, ValueError, OverflowError) as error:
        raise OutOfBounds("something that is no number") from error
    return found


def numbers(values: Any) -> int:
    """Return how many numbers there are in a list.

    Raises:
        OutOfBounds: it is no list, or something else is among them.
    """
    need(isinstance(values, list), "a list that is none")
    need(set(map(type, values)) <= {int, float, bool}, "something that is no number")
    return len(values)


def check_tree(inner: "Array", left: "Array", right: "Array", where: str) -> None:
    """Raise OutOfBounds unless every way down from node 0 ends, and no node is on two of them.

    Args:
        inner: whether each node has children.
        left: the node's left child; only of inner nodes it counts. What is no place of a node
            is a leaf.
        right: the right child, as `left`.
        where: which tree, for the error.
    """
    import numpy as np

    count = len(inner)
    seen = np.zeros(count, dtype=bool)
    level = np.zeros(min(count, 1), dtype=np.int64)
    while level.size:
        need(not seen[level].any(), f"{where} leads back to itself")
        seen[level] = True
        parents = level[inner[level]]
        below = np.concatenate([left[parents], right[parents]])
        level = below[(below >= 0) & (below < count)]
        need(len(np.unique(level)) == len(level), f"{where} has a node in two places")
