"""Whether a pack holds what its index says, as far as its own bytes tell."""

from collections.abc import Iterator

from blake3 import blake3

from mlops_cli.core import canonical, codec, delta, tree
from mlops_cli.core.extents import BLOCK
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.packs import HEADER, Codec, Entry, Kind, Pack, as_id
from mlops_cli.errors import IntegrityError

_RECORDS = frozenset({Kind.RUN, Kind.EVENT, Kind.AUDIT})


def check_layout(pack: Pack) -> Iterator[str]:
    """Yield what is wrong with the bytes of a pack that belong to no object."""
    with pack.path.open("rb") as file:
        head = file.read(len(HEADER))
    if head != HEADER:
        yield "its first bytes were changed"
    try:
        entries = [pack.index.entry(at) for at in range(pack.index.count)]
    except IntegrityError:
        return  # said again of the object itself
    end = len(HEADER)
    for entry in sorted(entries, key=lambda one: (one.offset, one.stored)):
        if not _is_gap(pack, end, entry.offset):
            yield f"holds bytes of no object at {end}"
        end = entry.offset + entry.stored
    if end != pack.payload_end:
        yield f"holds bytes of no object at {end}"


def _is_gap(pack: Pack, start: int, end: int) -> bool:
    """Return whether there is nothing between two objects, or only zeros up to a block."""
    if start == end:
        return True
    return 0 < end - start < BLOCK and not any(pack.read(start, end - start))


def check_object(pack: Pack, oid: ObjectId, entry: Entry) -> None:
    """Raise IntegrityError unless an object is good, as far as its own bytes tell."""
    payload = pack.payload(entry)
    if len(payload) != entry.stored:
        raise IntegrityError("its stored bytes are cut short")
    if entry.codec is Codec.LIST:
        codec.decode_list(payload, entry.length)
        return
    if entry.codec is Codec.DELTA:
        delta.base_of(payload)
        return
    content = codec.decompress(payload, entry, lambda _: b"")
    found = blake3(content).hexdigest()
    if found != oid:
        raise IntegrityError(f"its bytes hash to {found}")
    if entry.kind is Kind.TREE:
        tree.decode(content)
    elif entry.kind in _RECORDS:
        canonical.decode(content)


def parts_of(payload: bytes, entry: Entry) -> list[ObjectId]:
    """Return the objects without which a stored one gives nothing: its chunks, or its base.

    Raises:
        IntegrityError: the payload is damaged.
    """
    if entry.codec is Codec.LIST:
        return [as_id(key) for key, _ in codec.decode_list(payload, entry.length)]
    return [as_id(delta.base_of(payload))] if entry.codec is Codec.DELTA else []
