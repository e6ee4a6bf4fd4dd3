"""Which objects can be reached from some names: all that must stay when the rest is dropped."""

from collections.abc import Collection, Iterable, Iterator

from mlops_cli.core import codec, delta, tree
from mlops_cli.core.ids import ObjectId, ids_in
from mlops_cli.core.objects import Kind, ObjectStore
from mlops_cli.core.packs import Codec, Entry, Pack, as_id
from mlops_cli.errors import IntegrityError, MissingObject

_FOLLOWED = frozenset({Kind.RUN, Kind.EVENT})
"""Records whose every id counts. An audit entry tells what was, and keeps nothing."""


class Marks:
    """The objects that were reached so far, whether or not they are here; 32-byte ids."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._absent: set[bytes] = set()
        self.reached: set[bytes] = set()

    def reach(self, names: Iterable[bytes], packs: Collection[Pack] = ()) -> set[bytes]:
        """Mark objects, and all that whole packs hold, and what any of them needs.

        Returns what was not marked before. What was marked while it was not here is looked into
        once it is.

        Raises:
            IntegrityError: a tree or record on the way is damaged, so what it needs is unknown.
        """
        fresh: set[bytes] = set()
        back = {key for key in self._absent if self._objects.has(as_id(key))}
        self._absent -= back
        self.reached -= back
        waiting = back | {*names, *self._enter(packs, fresh)} - self.reached
        while waiting:
            self._follow(waiting, fresh)
            waiting = set(self._stored_with()) - self.reached
        return fresh

    def _enter(self, packs: Collection[Pack], fresh: set[bytes]) -> Iterator[bytes]:
        """Mark what packs hold and names nothing else; yield the rest."""
        for index in (pack.index for pack in packs):
            rest = {index.key(at) for kind in (Kind.TREE, *_FOLLOWED) for at in index.of_kind(kind)}
            held = set(index.ids()) - rest - self.reached
            self.reached |= held
            fresh |= held
            yield from rest
        if packs:
            yield from self._stored_with()

    def _follow(self, waiting: set[bytes], fresh: set[bytes]) -> None:
        """Mark `waiting` and what their content names, emptying it."""
        while waiting:
            key = waiting.pop()
            if key in self.reached:
                continue
            self.reached.add(key)
            fresh.add(key)
            oid = as_id(key)
            if not self._objects.has(oid):
                self._absent.add(key)
                continue
            if self._objects.kind(oid) in _FOLLOWED:
                waiting |= ids_in(self._objects.get(oid))
            for entry in self._listed(oid):
                below = bytes.fromhex(entry.oid)
                if entry.mode is tree.Mode.FOLDER:
                    waiting.add(below)
                elif below not in self.reached:
                    self.reached.add(below)
                    fresh.add(below)

    def _listed(self, oid: ObjectId) -> list[tree.Entry]:
        """Return the entries of a tree, also of one that a file happened to be stored as first."""
        kind = self._objects.kind(oid)
        if kind is Kind.TREE:
            return tree.decode(self._objects.get(oid))
        if kind is not Kind.BLOB:
            return []
        try:
            head = next(self._objects.stream(oid))
            return tree.decode(self._objects.get(oid)) if head.startswith(tree.HEADER) else []
        except (IntegrityError, MissingObject):
            return []

    def _stored_with(self) -> Iterator[bytes]:
        """Yield what the stored forms of marked objects need: chunks, bases of deltas."""
        for pack in self._objects.packs().values():
            for at in pack.index.composed():
                if pack.index.key(at) in self.reached:
                    yield from needs(pack, pack.index.entry(at))


def needs(pack: Pack, entry: Entry) -> list[bytes]:
    """Return the objects without which one cannot be read, as it is stored at `entry`."""
    if entry.codec is Codec.LIST:
        return [key for key, _ in codec.decode_list(pack.payload(entry), entry.length)]
    if entry.codec is Codec.DELTA:
        return [delta.base_of(pack.payload(entry))]
    return []
