"""Who needs an object: pointers, outputs, runs and model versions, now and in git's history."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from mlops_cli.core import canonical, codec, delta, tree
from mlops_cli.core.ids import ObjectId, is_id, short
from mlops_cli.core.packs import Codec, Entry, Kind, Pack, as_id
from mlops_cli.data.labels import Labels
from mlops_cli.errors import IntegrityError


class Objects(Protocol):
    """The objects of a store that can be read."""

    @property
    def places(self) -> Mapping[ObjectId, tuple[Pack, Entry]]:
        """Where each is."""
        ...

    @property
    def torn(self) -> Mapping[ObjectId, tuple[Pack, Entry]]:
        """Where the lists are that lack a good chunk."""
        ...

    def get(self, oid: ObjectId) -> bytes:
        """Return the content of one."""
        ...


def needers(
    labels: Labels, objects: Objects, lost: Iterable[ObjectId]
) -> dict[ObjectId, list[str]]:
    """Return, for each lost object, the names of all that cannot be had whole without it."""
    wanted = set(lost)
    if not wanted:
        return {}
    holders = _holders(objects, wanted)
    found: dict[ObjectId, list[str]] = {}
    for name, oid in _roots(labels, objects):
        for one in holders.get(oid, ()):
            names = found.setdefault(one, [])
            if name not in names:
                names.append(name)
    return found


def _holders(objects: Objects, lost: set[ObjectId]) -> dict[ObjectId, set[ObjectId]]:
    """Return which lost objects each object needs, at any depth; a lost one needs itself."""
    needs: dict[ObjectId, set[ObjectId]] = {oid: {oid} for oid in lost}
    inner: dict[ObjectId, list[ObjectId]] = {}
    for oid, (pack, entry) in (*objects.places.items(), *objects.torn.items()):
        below = _below(objects, oid, pack, entry)
        if below:
            inner[oid] = below
    changed = True
    while changed:  # once for each level of folders
        changed = False
        for oid, below in inner.items():
            reached = set().union(*(needs.get(one, ()) for one in below))
            if reached - needs.get(oid, set()):
                needs[oid] = needs.get(oid, set()) | reached
                changed = True
    return needs


def _below(objects: Objects, oid: ObjectId, pack: Pack, entry: Entry) -> list[ObjectId]:
    if entry.kind is Kind.TREE and oid in objects.places:
        return [one.oid for one in tree.decode(objects.get(oid))]
    if entry.codec is Codec.LIST:
        listed = codec.decode_list(pack.payload(entry), entry.length)
        return [as_id(key) for key, _ in listed]
    if entry.codec is Codec.DELTA:
        return [as_id(delta.base_of(pack.payload(entry)))]
    return []


def _roots(labels: Labels, objects: Objects) -> Iterator[tuple[str, ObjectId]]:
    """Yield the name and id of all that people have names for."""
    yield from labels.now
    yield from labels.before
    for oid, (_, entry) in objects.places.items():
        if entry.kind is Kind.RUN:
            yield from ((f"run {short(oid)}", one) for one in _ids_in(objects, oid))
        elif entry.kind is Kind.EVENT:
            name = _event(objects, oid)
            yield from ((name, one) for one in _ids_in(objects, oid))


def _event(objects: Objects, oid: ObjectId) -> str:
    record = canonical.decode(objects.get(oid))
    number = record.get("number")
    version = f" v{number}" if isinstance(number, int) else ""
    return f"model {record.get('model')}{version}"


def _ids_in(objects: Objects, oid: ObjectId) -> Iterator[ObjectId]:
    """Yield all ids that a record names, but for the record before it."""
    try:
        record = canonical.decode(objects.get(oid))
    except IntegrityError:
        return
    if isinstance(record, dict):
        record.pop("prev", None)
    yield from _ids_of(record)


def _ids_of(value: Any) -> Iterator[ObjectId]:
    if isinstance(value, str):
        if is_id(value):
            yield ObjectId(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _ids_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids_of(inner)
