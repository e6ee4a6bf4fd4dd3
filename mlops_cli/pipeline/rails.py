"""A graph drawn beside a list, as `git log --graph` does: a node a line, its edges as rails."""

from collections.abc import Mapping, Sequence

Lanes = list[str | None]
"""For each column the node that the rail in it leads to; None for a free column."""


def draw(needs: Mapping[str, Sequence[str]]) -> list[tuple[str, str | None]]:
    """Return the lines of a drawing: the rails of each, and the node that stands on it, or None.

    `needs` has the nodes from top to bottom, each with those above that lead to it. In the column
    of the node itself is a `*`.

    >>> for rails, node in draw({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}):
    ...     print(rails.ljust(3), node or "")
    *   a
    ├─╮
    * │ b
    │ * c
    ├─╯
    *   d
    """
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, above in needs.items():
        for other in above:
            users[other].append(name)
    lanes: Lanes = []
    lines: list[tuple[str, str | None]] = []
    for name in needs:
        own = [at for at, leads in enumerate(lanes) if leads == name]
        if not own:
            own = [_free(lanes, 0)]
            if lines and lines[-1][0][2 * own[0] :][:1].strip():
                lines.append((_row(lanes, None), None))  # else it would seem to follow from there
        if len(own) > 1:
            lines.append((_across(lanes, own[0], own[1:], "┴╯"), None))
            for at in own[1:]:
                lanes[at] = None
        lanes[own[0]] = name
        lines.append((_row(lanes, own[0]), name))
        _lead_on(lanes, own[0], users[name], lines)
    return lines


def _lead_on(
    lanes: Lanes, start: int, users: Sequence[str], lines: list[tuple[str, str | None]]
) -> None:
    """Let rails lead from the node in a column to all that use it."""
    lanes[start] = users[0] if users else None
    more: list[int] = []
    for name in users[1:]:
        at = _free(lanes, start + 1)
        lanes[at] = name
        more.append(at)
    if more:
        lines.append((_across(lanes, start, more, "┬╮"), None))
    while lanes and lanes[-1] is None:
        lanes.pop()


def _free(lanes: Lanes, start: int) -> int:
    """Return a column that no rail is in, at `start` or right of it."""
    for at in range(start, len(lanes)):
        if lanes[at] is None:
            return at
    lanes.extend([None] * (max(start - len(lanes), 0) + 1))
    return len(lanes) - 1


def _row(lanes: Lanes, node: int | None) -> str:
    marks = ("*" if at == node else " " if leads is None else "│" for at, leads in enumerate(lanes))
    return " ".join(marks).rstrip()


def _across(lanes: Lanes, start: int, ends: Sequence[int], bends: str) -> str:
    """Return a line that joins columns: `start` with all of `ends`, which are right of it."""
    last = max(ends)
    drawn: list[str] = []
    for at, leads in enumerate(lanes):
        if at < start or at > last:
            drawn.append(" " if leads is None else "│")
        elif at == start:
            drawn.append("├")
        elif at == last:
            drawn.append(bends[1])
        elif at in ends:
            drawn.append(bends[0])
        else:
            drawn.append("─" if leads is None else "┼")
        drawn.append("─" if start <= at < last else " ")
    return "".join(drawn).rstrip()
