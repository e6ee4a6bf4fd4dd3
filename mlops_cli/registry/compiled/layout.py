"""How values by column become the table of doubles that a compiled model takes.

A number stands for itself, a gap for NaN. A value of any other kind becomes the number of its
place among those that the model knows; a gap and an unknown value have the two places after them.
This is kept within the ONNX file, so that the file says all that its reader has to do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

Columns = Sequence[Sequence[Any]]
"""Checked JSON values by column, in the order of the model's signature."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Place:
    """One column of the table: which column of the signature it comes from, and how."""

    column: int
    known: tuple[Any, ...] | None = None
    """The values that have a number of their own; None for a column of numbers."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in the file beside the graph."""

    columns: int
    """How many columns the signature has."""
    places: tuple[Place, ...]
    output: Literal["shares", "index", "value"]
    classes: tuple[Any, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the form that is kept."""
        places = [
            {"column": one.column, "known": None if one.known is None else list(one.known)}
            for one in self.places
        ]
        classes = None if self.classes is None else list(self.classes)
        return {
            "v": _VERSION,
            "columns": self.columns,
            "places": places,
            "output": self.output,
            "classes": classes,
        }


def from_dict(held: Mapping[str, Any]) -> Layout:
    """Return the layout that `to_dict` gave.

    Raises:
        KeyError, TypeError, ValueError: it did not give this.
    """
    if held["v"] != _VERSION:
        raise ValueError(f"layout of version {held['v']!r}")
    if held["output"] not in ("shares", "index", "value"):
        raise ValueError(f"output {held['output']!r}")
    places = tuple(
        Place(int(one["column"]), None if one["known"] is None else tuple(one["known"]))
        for one in held["places"]
    )
    classes = None if held["classes"] is None else tuple(held["classes"])
    return Layout(int(held["columns"]), places, held["output"], classes)


def table(layout: Layout) -> Callable[[Columns], "np.ndarray[Any, Any]"]:
    """Return a function from values by column to the table, shape (rows, places)."""
    import numpy as np

    array, doubles = np.array, np.float64
    places = layout.places
    straight = [place.column for place in places] == list(range(layout.columns))
    coded = [(at, numbers(place)) for at, place in enumerate(places) if place.known is not None]
    chosen = [place.column for place in places]

    def matrix(columns: Columns) -> "np.ndarray[Any, Any]":
        found = array(columns, dtype=doubles)
        if found.shape[1] == 1:
            return found.reshape(1, -1)
        return np.ascontiguousarray(found.T)

    if straight and not coded:
        return matrix

    def codes(columns: Columns) -> "np.ndarray[Any, Any]":
        held = [columns[column] for column in chosen]
        for at, number in coded:
            held[at] = [number(value) for value in held[at]]
        return matrix(held)

    return codes


def numbers(place: Place) -> Callable[[Any], float]:
    """Return a function from a value to its number."""
    known = place.known or ()
    places: dict[Any, float] = {value: float(at) for at, value in enumerate(known)}
    places[None] = float(len(known))
    unknown = float(len(known) + 1)
    get = places.get
    return lambda value: get(value, unknown)
