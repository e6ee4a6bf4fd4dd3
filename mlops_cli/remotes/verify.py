"""Verify: whether a remote holds what it says, without bringing any of it.

Each pack that its `state` names has to be there, with its size, and to end in the index whose hash
is its name. A deep look reads every byte of each pack too, one pack at a time, and hashes each
object. What is made of others, lists of chunks and deltas, is hashed last. A chunk has been read
by then, and its name tells its bytes, so those may come from this store where it has them.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from blake3 import blake3

from mlops_cli.core import canonical, codec
from mlops_cli.core.files import outside
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.pack_check import check_layout, check_object, parts_of
from mlops_cli.core.packs import SUFFIX, Codec, Entry, Index, Kind, Pack, as_id
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, MissingObject, StateError
from mlops_cli.remotes.catalogue import Place, key_of, read_index
from mlops_cli.remotes.contents import Contents
from mlops_cli.remotes.push import refuse_vanished
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.state import Held, State
from mlops_cli.remotes.transport import MissingKey

_PART_BYTES = 8 * 1024 * 1024
_SMALL_BYTES = 64 * 1024
_CHAINED = frozenset({Kind.EVENT, Kind.AUDIT})
_RECORDS = frozenset({Kind.RUN, *_CHAINED})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong on a remote.

    Attributes:
        oid: the object that it is about, if it is about one.
        where: the pack or file that it is in.
        what: what is wrong.
        lost: the objects that the remote does not have whole because of it, as far as known.
    """

    oid: ObjectId | None
    where: str
    what: str
    lost: tuple[ObjectId, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at: `bytes` are those of all packs, `deep` tells whether they were read."""

    remote: str
    url: str
    deep: bool
    packs: int
    objects: int
    bytes: int
    empty: bool
    faults: tuple[Fault, ...]


def verify(
    repo: Repository, remote: Remote, *, deep: bool = False, progress: Progress = SILENT
) -> tuple[Verified, "Holding"]:
    """Look whether a remote is whole; return what was found, and what can be read of it.

    Raises:
        IntegrityError: its `state` is damaged.
        StateError: it is gone, no remote, of a newer mlo, or encrypted with another key.
        ExternalError: it cannot be reached.
    """
    seen = remote.read()
    refuse_vanished(remote, seen)
    packs = seen.state.packs
    holding = Holding(repo, remote)
    faults = _look(holding, packs, progress)
    if deep:
        faults += _read_all(holding, packs, progress)
    else:
        holding.good.update(holding.indexed())
    faults += _check_refs(holding, seen.state, deep=deep)
    faults = _still_named(remote, faults)
    kept = tuple(
        Fault(one.oid, one.where, one.what, tuple(o for o in one.lost if o not in holding.good))
        for one in faults
    )
    total = sum(held.size for held in packs.values())
    count = sum(held.objects for held in packs.values())
    url = remote.transport.url
    empty = seen.raw is None
    return Verified(remote.name, url, deep, len(packs), count, total, empty, kept), holding


@dataclass(slots=True)
class Holding:
    """What a remote holds, as far as it can be read; a `Graph` of `data/needs.py`."""

    repo: Repository
    remote: Remote
    indexes: dict[str, Index] = field(default_factory=dict)
    good: set[ObjectId] = field(default_factory=set)
    composed: list[tuple[ObjectId, str, Entry]] = field(default_factory=list)
    before: dict[ObjectId, ObjectId | None] = field(default_factory=dict)
    """The record before each event and audit entry that was read."""

    def indexed(self) -> Iterator[ObjectId]:
        """Yield the ids in all indexes that are whole."""
        for index in self.indexes.values():
            yield from map(as_id, index.ids())

    def once_seen(self, name: str) -> tuple[ObjectId, ...]:
        """Return what a pack held when this clone last saw it; nothing if it never did."""
        index = self.indexes.get(name) or self.remote.catalogue.indexes.get(name)
        return () if index is None else tuple(map(as_id, index.ids()))

    def contents(self) -> Contents:
        """Return what gives the content of objects, from this store or else from the remote."""
        return Contents(self.repo.objects, self.remote, list(self.indexes.values()))

    def inner(self) -> Iterator[tuple[ObjectId, list[ObjectId]]]:
        """Yield each object that is made of others, with those, as far as they can be read."""
        from mlops_cli.core import tree

        contents = self.contents()
        for oid, place in self._places(lambda entry: entry.codec in (Codec.LIST, Codec.DELTA)):
            try:
                yield oid, parts_of(contents.payload(place), place.entry)
            except (IntegrityError, MissingObject, MissingKey):
                continue
        for oid, _ in self._places(lambda entry: entry.kind is Kind.TREE):
            try:
                yield oid, [one.oid for one in tree.decode(contents.get(oid))]
            except (IntegrityError, MissingObject, MissingKey):
                continue

    def records(self) -> Iterator[tuple[Kind, ObjectId, bytes]]:
        """Yield the runs and events that can be read."""
        contents = self.contents()
        for oid, place in self._places(lambda entry: entry.kind in (Kind.RUN, Kind.EVENT)):
            try:
                yield place.entry.kind, oid, contents.get(oid)
            except (IntegrityError, MissingObject, MissingKey):
                continue

    def _places(self, wanted: Callable[[Entry], bool]) -> Iterator[tuple[ObjectId, Place]]:
        seen: set[bytes] = set()
        for name, index in self.indexes.items():
            for at in range(index.count):
                try:
                    entry = index.entry(at)
                except IntegrityError:
                    continue
                if wanted(entry) and index.key(at) not in seen:
                    seen.add(index.key(at))
                    yield as_id(index.key(at)), Place(key_of(name), entry)


def _look(holding: Holding, packs: Mapping[str, Held], progress: Progress) -> list[Fault]:
    """Ask for each pack, its size and its index."""
    faults: list[Fault] = []
    with progress.task(f"looking at {holding.remote.name}", len(packs), "packs") as advance:
        for name, held in sorted(packs.items()):
            what = _look_at(holding, name, held)
            if what is not None:
                faults.append(Fault(None, key_of(name), what, holding.once_seen(name)))
            advance(1)
    return faults


def _look_at(holding: Holding, name: str, held: Held) -> str | None:
    transport = holding.remote.transport
    try:
        size = transport.size(key_of(name))
        if size != held.size:
            return f"has {size:,} bytes, not {held.size:,}"
        holding.indexes[name] = read_index(transport, name, held)
    except MissingKey:
        return "is not there"
    except IntegrityError as error:
        return error.message
    return None


def _read_all(holding: Holding, packs: Mapping[str, Held], progress: Progress) -> list[Fault]:
    """Read every byte of the packs whose indexes are whole, and hash each object."""
    faults: list[Fault] = []
    room = holding.repo.layout.tmp / f"verify-{os.getpid()}-{os.urandom(4).hex()}"
    total = sum(packs[name].size for name in holding.indexes)
    with progress.task(f"reading {holding.remote.name}", total, "B") as advance:
        try:
            room.mkdir()
            for name in sorted(holding.indexes):
                path = room / (name + SUFFIX)
                try:
                    faults += _read_pack(holding, name, packs[name].size, path, advance)
                finally:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise outside(error, room) from error
        finally:
            if room.is_dir():
                room.rmdir()
    return faults + _check_composed(holding, progress)


def _read_pack(
    holding: Holding, name: str, size: int, path: Path, advance: Callable[[int], None]
) -> list[Fault]:
    where = key_of(name)
    try:
        with path.open("xb") as file:
            for start in range(0, size, _PART_BYTES):
                data = _part(holding.remote, where, start, min(_PART_BYTES, size - start))
                file.write(data)
                advance(len(data))
        pack = Pack(path)
    except (IntegrityError, MissingKey) as error:
        del holding.indexes[name]
        return [Fault(None, where, error.message, holding.once_seen(name))]
    faults = [Fault(None, where, what) for what in check_layout(pack)]
    for at in range(pack.index.count):
        oid = as_id(pack.index.key(at))
        try:
            entry = pack.index.entry(at)
            check_object(pack, oid, entry)
        except IntegrityError as error:
            faults.append(Fault(oid, where, error.message, (oid,)))
            continue
        if entry.codec in (Codec.LIST, Codec.DELTA):
            holding.composed.append((oid, where, entry))
        else:
            faults += _take(holding, oid, where, entry, _content(pack, entry))
    return faults


def _part(remote: Remote, key: str, start: int, length: int) -> bytes:
    """Return bytes of a pack; those that an encrypted remote cannot give are zeros."""
    try:
        return remote.transport.read(key, start, length)
    except IntegrityError:
        if length > _SMALL_BYTES:
            steps = range(start, start + length, _SMALL_BYTES)
            pieces = (
                _part(remote, key, at, min(_SMALL_BYTES, start + length - at)) for at in steps
            )
            return b"".join(pieces)
        return bytes(length)


def _content(pack: Pack, entry: Entry) -> bytes:
    """Return the content of a record, and nothing of anything else."""
    if entry.kind not in _RECORDS:
        return b""
    return codec.decompress(pack.payload(entry), entry, lambda _: b"")


def _take(holding: Holding, oid: ObjectId, where: str, entry: Entry, content: bytes) -> list[Fault]:
    """Count an object whose bytes are right as good, if mlo can read it too."""
    try:
        if entry.kind in holding.remote.readers:
            holding.remote.readers[entry.kind](oid, content)
    except (IntegrityError, StateError) as error:
        return [Fault(oid, where, error.message, (oid,))]
    holding.good.add(oid)
    if entry.kind in _CHAINED:
        holding.before[oid] = _previous(content)
    return []


def _previous(content: bytes) -> ObjectId | None:
    record = canonical.decode(content)
    prev = record.get("prev") if isinstance(record, dict) else None
    return ObjectId(prev) if isinstance(prev, str) and is_id(prev) else None


def _check_composed(holding: Holding, progress: Progress) -> list[Fault]:
    """Hash what lists and deltas give; deltas come first, since lists are made of them too."""
    faults: list[Fault] = []
    contents = holding.contents()
    total = sum(entry.length for _, _, entry in holding.composed)
    with progress.task("putting together", total, "B") as advance:
        for oid, where, entry in _bases_first(holding, contents):
            if oid not in holding.good:
                try:
                    content = _compose(holding, contents, oid, Place(where, entry), advance)
                    faults += _take(holding, oid, where, entry, content)
                except (IntegrityError, MissingObject, MissingKey) as error:
                    faults.append(Fault(oid, where, error.message, (oid,)))
    return faults


def _bases_first(holding: Holding, contents: Contents) -> Sequence[tuple[ObjectId, str, Entry]]:
    """Return what is composed in an order in which each delta comes after its base."""
    deltas = {one[0]: one for one in holding.composed if one[2].codec is Codec.DELTA}
    ordered: dict[ObjectId, tuple[ObjectId, str, Entry]] = {}
    for oid in deltas:
        way: list[ObjectId] = []
        here: ObjectId | None = oid
        while here in deltas and here not in ordered and here not in way:
            way.append(here)
            _, where, entry = deltas[here]
            try:
                here = parts_of(contents.payload(Place(where, entry)), entry)[0]
            except (IntegrityError, MissingKey):
                here = None
        ordered |= {one: deltas[one] for one in reversed(way)}
    lists = [one for one in holding.composed if one[2].codec is Codec.LIST]
    return [*ordered.values(), *lists]


def _compose(
    holding: Holding,
    contents: Contents,
    oid: ObjectId,
    place: Place,
    advance: Callable[[int], None],
) -> bytes:
    """Return the content of a good record; of anything else nothing, once it is known as good.

    Raises:
        IntegrityError, MissingObject: it cannot be put together, or is not what its name says.
    """
    payload, entry = contents.payload(place), place.entry
    for part in parts_of(payload, entry):
        if part not in holding.good:
            what = "chunk" if entry.codec is Codec.LIST else "base"
            raise MissingObject(f"its {what} {part} is missing or damaged")
    if entry.codec is Codec.DELTA:
        content = codec.decompress(payload, entry, lambda key: contents.get(as_id(key)))
        found = blake3(content).hexdigest()
        advance(entry.length)
    else:
        pieces: list[bytes] = []
        hasher = blake3(max_threads=1)
        for piece in contents.join(codec.decode_list(payload, entry.length)):
            hasher.update(piece)
            advance(len(piece))
            if entry.kind in _RECORDS:
                pieces.append(piece)
        content, found = b"".join(pieces), hasher.hexdigest()
    if found != oid:
        raise IntegrityError(f"its bytes hash to {found}")
    return content


def _check_refs(holding: Holding, state: State, *, deep: bool) -> list[Fault]:
    """Follow each ref to where its chain ends, or a deep look has not been; then to its head."""
    faults: list[Fault] = []
    for name, head in sorted(state.refs.items()):
        here: ObjectId | None = head
        while here is not None:
            if here not in holding.good:
                what = f"'{name}' leads to it, and it is not there whole"
                faults.append(Fault(here, "state", what, (here,)))
                break
            here = holding.before.get(here) if deep else None
    return faults


def _still_named(remote: Remote, faults: list[Fault]) -> list[Fault]:
    """Leave out what is said of packs that the remote has let go of meanwhile."""
    if not faults:
        return faults
    named = {key_of(name) for name in remote.read().state.packs}
    return [one for one in faults if one.where in named or one.where == "state"]
