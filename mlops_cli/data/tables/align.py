"""Which chunks two versions share, in the order of both."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence


def align(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[bool, bool]]:
    """Yield steps through both lists: (True, True) over an equal item of both, else over one.

    Any such way is right. This one goes over many equal items, anchored on those that are there
    just once in each list and stand in the same order.

    >>> list(align([b"a", b"b"], [b"b", b"c"]))
    [(True, False), (True, True), (False, True)]
    """
    at, to = 0, 0
    for one, other in [*_anchors(old, new), (len(old), len(new))]:
        while at < one and to < other and old[at] == new[to]:
            yield True, True
            at, to = at + 1, to + 1
        back = 0
        while (
            one - back > at and other - back > to and old[one - back - 1] == new[other - back - 1]
        ):
            back += 1
        yield from [(True, False)] * (one - back - at)
        yield from [(False, True)] * (other - back - to)
        yield from [(True, True)] * back
        at, to = one, other


def _anchors(old: Sequence[bytes], new: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return pairs of places with equal items, rising in both, as many as can be."""
    in_old, in_new = Counter(old), Counter(new)
    places = {item: place for place, item in enumerate(new) if in_new[item] == 1}
    pairs = [
        (place, places[item])
        for place, item in enumerate(old)
        if in_old[item] == 1 and item in places
    ]
    return _longest_rising(pairs)


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of pairs, not all next to each other, whose second parts rise."""
    ends: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for at, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(tails[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            tails.append(at)
        else:
            ends[length], tails[length] = place, at
    chosen: list[tuple[int, int]] = []
    at = tails[-1] if tails else -1
    while at >= 0:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]
