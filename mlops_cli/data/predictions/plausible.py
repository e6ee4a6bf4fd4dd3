"""Which labels can be true of what a model answers: of its classes, or numbers."""

from math import isfinite
from pathlib import Path
from typing import Any

from mlops_cli.data.predictions import rows
from mlops_cli.data.predictions.labels import Said
from mlops_cli.data.predictions.segment import Tally


class Plausible:
    """What the head and the first predictions of one segment say of its labels."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._classes: tuple[Any, ...] | None = None
        self._words: frozenset[str] = frozenset()
        self._known = False
        self._numbers: bool | None = None

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes of the model, None where it has none, or they are not known yet.

        Raises:
            DamagedHead: nobody can tell.
        """
        if not self._known:
            head = rows.head(self._path)
            self._known = head is not None
            self._classes = None if head is None else head.source.classes
            self._words = frozenset(map(str, self._classes or ()))
        return self._classes

    def strange(self, value: Any) -> bool:
        """Return whether a label is of a class that the model does not have."""
        classes = self.classes
        return classes is not None and str(value) not in self._words and value not in classes

    def useless(self, value: Any) -> bool:
        """Return whether a label cannot count, as what is no number where numbers are answered."""
        if type(value) is float:
            return not isfinite(value)
        return self.classes is None and not _is_number(value) and self._are_numbers()

    def _are_numbers(self) -> bool:
        """Return whether predictions are numbers with fractions; False while there are none."""
        if self._numbers is None:
            self._numbers = self._seen()
        return bool(self._numbers)

    def _seen(self) -> bool | None:
        for part in rows.of(self._path, Tally()):
            return bool(part.predictions.values.dtype.kind == "f")
        return None


def parted(
    said: dict[int, Said], known: dict[int, Said], plausible: Plausible
) -> tuple[dict[int, Said], list[int], int]:
    """Return the labels to keep, the numbers of the others, and how many kept are strange.

    A label of a class that the model does not have is kept, since it may be a new one, but never
    in place of one that counts.
    """
    there: dict[int, Said] = {}
    useless: list[int] = []
    strange = 0
    for number, one in said.items():
        odd = plausible.strange(one[0])
        replaces = odd and number in known and not plausible.strange(known[number][0])
        if replaces or plausible.useless(one[0]):
            useless.append(number)
        else:
            there[number] = one
            strange += odd
    return there, useless, strange


def _is_number(value: Any) -> bool:
    try:
        return isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False
