"""Labels as places in a list, and numbers as arrays, of cells as the prediction log has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlops_cli.data.predictions.block import Cells
from mlops_cli.registry.evaluation.answers import Label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Codes:
    """Places of labels, which grow by each one that was not known; `1` is also `"1"`."""

    def __init__(self, labels: Iterable[Label]) -> None:
        self._places: dict[Any, int] = {}
        self._words: dict[str, int] = {}
        self._labels: list[Label] = []
        for one in labels:
            self[one]

    @property
    def labels(self) -> tuple[Label, ...]:
        """All labels, by place."""
        return tuple(self._labels)

    def __getitem__(self, value: Any) -> int:
        """Return the place of a label, a new one if it is not known."""
        plain = value if isinstance(value, str | int | float | bool) else str(value)
        place = self._places.get(plain)
        if place is None:
            place = self._words.get(str(plain))
        if place is None:
            place = len(self._labels)
            self._labels.append(plain)
            self._words[str(plain)] = place
        self._places[plain] = place
        return place

    def of(self, cells: Cells) -> NDArray[np.int64]:
        """Return the place of each."""
        import numpy as np

        values = cells.tolist()
        try:
            known = {one: self[one] for one in dict.fromkeys(values)}
            places = [known[one] for one in values]
        except TypeError:  # lists and mappings, which no dictionary has as keys
            places = [self[one] for one in values]
        return np.array(places, dtype=np.int64)


def numbers(cells: Cells) -> NDArray[np.float64]:
    """Return cells as numbers; NaN for what is none."""
    import numpy as np

    if cells.values.dtype.kind in "iufb":
        found = cells.values.astype(np.float64)
        if cells.gaps is not None:
            found[cells.gaps] = np.nan
        return found
    return np.array([_number(one) for one in cells.tolist()], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
