"""How much of a large report a page has room for, so that it stays below a megabyte."""

from collections.abc import Callable
from typing import NamedTuple

MOST_BYTES = 950_000
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.04, 0.0)


class Room(NamedTuple):
    """How many things are drawn, and how many have a line of a table."""

    drawn: int
    listed: int


def fitted(make: Callable[[Room], str], most: Room) -> str:
    """Return the page that `make` makes with as much room as leaves it small enough.

    >>> fitted(lambda room: "x" * room.listed * 10_000, Room(1, 100)).count("x") // 10_000
    50
    """
    page = ""
    for share in _SHARES:
        page = make(Room(*(max(1, int(share * count)) for count in most)))
        if len(page.encode()) < MOST_BYTES:
            return page
    return page
