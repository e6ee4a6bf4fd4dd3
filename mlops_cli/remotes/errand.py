"""How what is wanted comes from a remote: nearly all of a pack by the pack, the rest by ranges."""

from collections.abc import Iterable, Sequence

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.packs import MOST_STORED, as_id
from mlops_cli.core.records import dataclass
from mlops_cli.remotes.catalogue import Catalogue, Place

_NEARLY = 0.9
"""A pack of which so large a share is wanted is brought whole."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be brought.

    Attributes:
        packs: names of those that come whole.
        objects, stored: how many objects in them were asked for, and how many bytes these take.
        places: where the others are.
    """

    packs: Sequence[str]
    objects: int
    stored: int
    places: dict[ObjectId, Place]


def planned(objects: ObjectStore, catalogue: Catalogue, wanted: Iterable[ObjectId]) -> Plan:
    """Return how to bring what is wanted, not here and there."""
    left = objects.absent(wanted)
    packs: list[str] = []
    count = stored = 0
    for name, index in catalogue.indexes.items():
        least = _NEARLY * catalogue.sizes[name]
        if len(left) * MOST_STORED < least or index.has_composed():
            continue
        here = [size for key, size in zip(index.ids(), index.stored(), strict=True) if key in left]
        if sum(here) >= least:
            packs.append(name)
            count, stored = count + len(here), stored + sum(here)
            left.difference_update(index.ids())
    found = ((as_id(key), catalogue.find(as_id(key))) for key in left)
    return Plan(packs, count, stored, {oid: at for oid, at in found if at is not None})
