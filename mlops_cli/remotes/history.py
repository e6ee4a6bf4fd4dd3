"""Chains of records, each naming the one before it by `prev`."""

from collections.abc import Iterator
from enum import Enum

from mlops_cli.core.canonical import decode
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.objects import ObjectStore
from mlops_cli.errors import IntegrityError


class Relation(Enum):
    """How one chain stands to another."""

    SAME = "same"
    AHEAD = "ahead"
    BEHIND = "behind"
    DIVERGED = "diverged"


def back(objects: ObjectStore, head: ObjectId | None) -> Iterator[ObjectId]:
    """Yield the ids of a chain from its head to its first record.

    Raises:
        MissingObject: a record is not here.
        IntegrityError: something in the chain is no record.
    """
    while head is not None:
        yield head
        record = decode(objects.get(head))
        prev = record.get("prev") if isinstance(record, dict) else head
        if prev is not None and not (isinstance(prev, str) and is_id(prev)):
            raise IntegrityError(f"object {head} is in a chain but names nothing before it")
        head = None if prev is None else ObjectId(prev)


def relation(objects: ObjectStore, here: ObjectId, there: ObjectId | None) -> Relation:
    """Return how the chain that ends at `here` stands to the one that ends at `there`.

    Both are walked in turn, so that a short way is found fast in long chains. What is not in
    this store cannot be walked: a chain whose head is unknown here is ahead in something.
    """
    if here == there:
        return Relation.SAME
    if there is None:
        return Relation.AHEAD
    ours, theirs = back(objects, here), _known(objects, there)
    while True:
        one, other = next(ours, None), next(theirs, None)
        if one == there:
            return Relation.AHEAD
        if other == here:
            return Relation.BEHIND
        if one is None and other is None:
            return Relation.DIVERGED


def _known(objects: ObjectStore, head: ObjectId) -> Iterator[ObjectId]:
    if objects.has(head):
        yield from back(objects, head)
