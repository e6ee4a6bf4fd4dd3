"""Which objects an object needs: a tree its entries, a list its chunks, a delta its base."""

from collections.abc import Callable, Iterable, Iterator

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind, ObjectStore


def needed_by(
    objects: ObjectStore,
    roots: Iterable[ObjectId],
    *,
    elsewhere: Callable[[ObjectId], bool] = lambda _: False,
) -> Iterator[ObjectId]:
    """Yield `roots` and all that they need, once each, but for what is not here but `elsewhere`.

    Raises:
        MissingObject: a tree or list on the way is not in this store.
    """
    seen: set[ObjectId] = set()
    waiting = list(roots)
    while waiting:
        oid = waiting.pop()
        if oid in seen:
            continue
        seen.add(oid)
        if not objects.has(oid) and elsewhere(oid):
            continue
        yield oid
        waiting += objects.needs(oid)
        if objects.kind(oid) is Kind.TREE:
            waiting += [entry.oid for entry in tree.decode(objects.get(oid))]
