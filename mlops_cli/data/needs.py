"""Who needs an object: pointers, outputs, runs and model versions, now and in git's history."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, is_id, short
from mlops_cli.core.packs import Kind
from mlops_cli.data.labels import Labels
from mlops_cli.errors import IntegrityError


class Graph(Protocol):
    """What objects are made of, of a store or a remote, as far as it can be read."""

    def inner(self) -> Iterator[tuple[ObjectId, list[ObjectId]]]:
        """Yield each tree, list and delta with what it needs directly; one may come twice."""
        ...

    def records(self) -> Iterator[tuple[Kind, ObjectId, bytes]]:
        """Yield kind, id and content of each run and event."""
        ...


def needers(labels: Labels, graph: Graph, lost: Iterable[ObjectId]) -> dict[ObjectId, list[str]]:
    """Return, for each lost object, the names of all that cannot be had whole without it."""
    wanted = set(lost)
    if not wanted:
        return {}
    holders = _holders(graph, wanted)
    found: dict[ObjectId, list[str]] = {}
    for name, oid in _roots(labels, graph):
        for one in holders.get(oid, ()):
            names = found.setdefault(one, [])
            if name not in names:
                names.append(name)
    return found


def _holders(graph: Graph, lost: set[ObjectId]) -> dict[ObjectId, set[ObjectId]]:
    """Return which lost objects each object needs, at any depth; a lost one needs itself."""
    needs: dict[ObjectId, set[ObjectId]] = {oid: {oid} for oid in lost}
    inner: dict[ObjectId, list[ObjectId]] = {}
    for oid, below in graph.inner():
        if below:
            inner[oid] = inner.get(oid, []) + below
    changed = True
    while changed:  # once for each level of folders
        changed = False
        for oid, below in inner.items():
            reached = set().union(*(needs.get(one, ()) for one in below))
            if reached - needs.get(oid, set()):
                needs[oid] = needs.get(oid, set()) | reached
                changed = True
    return needs


def _roots(labels: Labels, graph: Graph) -> Iterator[tuple[str, ObjectId]]:
    """Yield the name and id of all that people have names for."""
    yield from labels.now
    yield from labels.before
    for kind, oid, content in graph.records():
        try:
            record = canonical.decode(content)
        except IntegrityError:
            continue
        name = f"run {short(oid)}" if kind is Kind.RUN else _event(record)
        yield from ((name, one) for one in _ids_in(record))


def _event(record: Any) -> str:
    number = record.get("number") if isinstance(record, dict) else None
    version = f" v{number}" if isinstance(number, int) else ""
    return f"model {record.get('model') if isinstance(record, dict) else None}{version}"


def _ids_in(record: Any) -> Iterator[ObjectId]:
    """Yield all ids that a record names, but for the record before it."""
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
