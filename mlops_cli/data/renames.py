"""Which file that is gone and which that is new are one file that moved: they have the same id."""

from collections.abc import Iterable

from mlops_cli.core.records import dataclass
from mlops_cli.data.differences import Pair


@dataclass(frozen=True, slots=True)
class Move:
    """A file with the same content at another path."""

    source: str
    pair: Pair


def with_moves(pairs: Iterable[Pair]) -> list[Pair | Move]:
    """Return the pairs in their order, a removed and an added file of the same id as one move.

    Of several that fit, one of the same name is taken, else the first.
    """
    pairs = list(pairs)
    gone: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.old is not None and pair.new is None:
            gone.setdefault(pair.old.oid, []).append(pair)
    moves: dict[str, Move] = {}
    for pair in pairs:
        if pair.old is None and pair.new is not None and (left := gone.get(pair.new.oid)):
            name = pair.path.rpartition("/")[2]
            same = [one for one in left if one.path.rpartition("/")[2] == name]
            source = (same or left)[0]
            left.remove(source)
            moves[pair.path] = Move(source.path, Pair(pair.path, source.old, pair.new))
    moved = {move.source for move in moves.values()}
    return [
        moves.get(pair.path, pair)
        for pair in pairs
        if not (pair.new is None and pair.path in moved)
    ]
