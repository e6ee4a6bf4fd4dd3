"""Splits by categories as splits by numbers: whether a value goes left is looked up.

A category reaches the model as its place among those that are known, a gap and an unknown value
as the two places after them; so does it in a table (`layout.py`). Each set of categories that a
tree splits by becomes one more number of the row, 0 where the value goes left and 1 where not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.compiled.graph import Graph, NotCompiledError
from mlops_cli.registry.compiled.trees import Tree

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Known = Mapping[int, tuple[Any, ...]]
"""The categories of columns by their place in a model's rows, in the model's own order."""
SPLIT = 0.5
_MOST_CELLS = 5_000_000


@dataclass(frozen=True, slots=True)
class Lookups:
    """The numbers that are looked up for each column of categories, shape (values, numbers)."""

    known: Known
    tables: "Mapping[int, Array]"

    def add(self, graph: Graph, x: str) -> str:
        """Add what is looked up to the right of a table."""
        parts = [x]
        for column, table in self.tables.items():
            codes = graph.cast(graph.add("Gather", x, graph.whole(column), axis=1), "int64")
            flat = graph.add("Reshape", codes, graph.whole([-1]))
            parts.append(graph.add("Gather", graph.constant(table), flat, axis=0))
        return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else x

    def beside(self, rows: "Array") -> "Array":
        """Return rows with what is looked up to their right."""
        import numpy as np

        found = [table[rows[:, column].astype(np.int64)] for column, table in self.tables.items()]
        return np.concatenate([rows, *found], axis=1)


class Sets:
    """Collects the sets of categories that trees split by."""

    def __init__(self, width: int, known: Known) -> None:
        """Begin for rows of `width` numbers."""
        self._width = width
        self._known = known
        self._numbers: dict[tuple[int, bytes], int] = {}
        self._vectors: list[tuple[int, Array]] = []

    def number(self, column: int, goes_left: "Array") -> int:
        """Return the number of a row by which values of a column go left or not.

        `goes_left` has an entry for each category, one for a gap and one for an unknown value.

        Raises:
            NotCompiledError: the categories of the column are not known.
        """
        key = (column, goes_left.tobytes())
        if key not in self._numbers:
            self._numbers[key] = self._width + len(self._vectors)
            self._vectors.append((column, goes_left))
        return self._numbers[key]

    def values(self, column: int) -> int:
        """Return how many values a column has, with a gap and an unknown one.

        Raises:
            NotCompiledError: its categories are not known.
        """
        if column not in self._known:
            raise NotCompiledError("its trees split by categories that are not known by name")
        return len(self._known[column]) + 2

    def finish(
        self, trees: "Sequence[tuple[Tree, int, Array]]"
    ) -> "tuple[list[tuple[Tree, int, Array]], Lookups]":
        """Return trees that ask for numbers in the order in which they are looked up.

        Raises:
            NotCompiledError: there are too many.
        """
        import numpy as np

        columns = sorted({column for column, _ in self._vectors})
        order = [at for one in columns for at, (of, _) in enumerate(self._vectors) if of == one]
        tables = {
            one: np.stack([1.0 - v for of, v in self._vectors if of == one], axis=1)
            for one in columns
        }
        if sum(table.size for table in tables.values()) > _MOST_CELLS:
            raise NotCompiledError("its trees split by too many sets of categories")
        moved = np.arange(self._width + len(order))
        moved[[self._width + at for at in order]] = self._width + np.arange(len(order))
        done = [(replace(one, feature=moved[one.feature]), to, worth) for one, to, worth in trees]
        return done, Lookups(self._known, tables)
