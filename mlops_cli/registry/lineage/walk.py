"""Walking a lineage: up to what things were made from, down to what came of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.repository import Repository
from mlops_cli.data.prediction_log import Logged
from mlops_cli.errors import MissingObject
from mlops_cli.registry import models
from mlops_cli.registry.lineage import told, uses
from mlops_cli.registry.lineage.node import Node
from mlops_cli.registry.lineage.uses import AlertEntry, BatchEntry, Retraining, Use
from mlops_cli.registry.models import Model, Version
from mlops_cli.runs.record import Run

MANY = 20
"""At most so many things that came of one are given, the newest."""
MOST = 400
"""After so many in all, no more is given of any."""
_SEEN = {"told": "elsewhere in this lineage"}
_LONG = {"told": "no further, this lineage is long: trace it by itself"}
_NO_RECORD = {"record": "not in this store: mlo fetch"}

Way = Literal["up", "down"]
Branches = Callable[[int], Iterable[Node]]


@dataclass
class Walk:
    """One walk. `depth` is how many levels from its subject are given; None for all.

    The methods take the level that their node is at: 0 for the subject.
    """

    repo: Repository
    depth: int | None = None
    told: set[tuple[Way, str, str]] = field(default_factory=set)

    @cached_property
    def uses(self) -> uses.Uses:
        """What all runs made and read."""
        return uses.survey(self.repo)

    @cached_property
    def batches(self) -> list[BatchEntry]:
        """All batches of predictions, oldest first."""
        return uses.batches(self.repo)

    @cached_property
    def retrainings(self) -> dict[str, Retraining]:
        """What made runs without a person, by the ids of the runs."""
        return uses.retrainings(self.repo)

    @cached_property
    def alerts(self) -> list[AlertEntry]:
        """All alerts of monitors, oldest first."""
        return uses.alerts(self.repo)

    @cached_property
    def models(self) -> dict[str, Model]:
        """All models, by name."""
        return {name: models.model(self.repo, name) for name in models.names(self.repo)}

    @property
    def versions(self) -> Iterator[Version]:
        """Every version of every model."""
        return (version for model in self.models.values() for version in model.versions)

    def prediction_up(self, logged: Logged) -> Node:
        """Return a prediction with the version that gave it, and who had let that where."""
        version = models.resolve(self.repo, f"{logged.model}@{logged.version_id}")
        return self._grow(
            told.prediction(logged),
            "up",
            0,
            lambda level: [self.version_up(version, level, at=logged.time)],
        )

    def batch_up(self, entry: BatchEntry, level: int = 0) -> Node:
        """Return a batch with the version that made it, and what made its input."""
        return self._grow(told.batch(entry), "up", level, lambda below: self._made(entry, below))

    def batch_of(self, oid: ObjectId) -> BatchEntry | None:
        """Return the newest batch that wrote a file of this content."""
        wrote = (one for one in reversed(self.batches) if one.detail.get("output_id") == oid)
        return next(wrote, None)

    def _made(self, entry: BatchEntry, level: int) -> Iterator[Node]:
        held = entry.detail
        version = models.resolve(self.repo, f"{held['model']}@{held['version']}")
        yield self.version_up(version, level, at=entry.time)
        oid = ObjectId(str(held.get("input_id")))
        if self.uses.maker(oid) is not None or self.batch_of(oid) is not None:
            yield self.data_up(str(held.get("input")), oid, level)

    def version_up(self, version: Version, level: int, *, at: str | None = None) -> Node:
        """Return a version with what made it; with `at`, and who had let it where by then."""
        node = told.version(self.models[version.model], version)
        return self._grow(node, "up", level, lambda below: self._above(version, below, at))

    def _above(self, version: Version, level: int, at: str | None) -> Iterator[Node]:
        if at is not None:
            yield from self._events(version, until=at)
        if version.run is not None:
            if version.run in self.retrainings:
                yield told.retraining(self.retrainings[version.run])
            yield self._run_up(version.run, level)
            return
        yield Node("run", "none: registered from a file", "")
        if version.data is not None:
            yield self.data_up(version.data.path, version.data.oid, level)

    def version_down(self, version: Version, level: int) -> Node:
        """Return a version with what was done with it and what it answered."""
        node = told.version(self.models[version.model], version)
        return self._grow(node, "down", level, lambda _: self._came_of_version(version))

    def _came_of_version(self, version: Version) -> Iterator[Node]:
        yield from _newest(list(self._events(version)), "events")
        ours = [one for one in self.batches if version.has_id(str(one.detail.get("version")))]
        yield from _newest([told.batch(one) for one in ours], "batches")
        about = [one for one in self.alerts if any(map(version.has_id, one.versions))]
        yield from _newest([told.alert(one) for one in about], "alerts")
        yield from told.logged(self.repo, version)

    def _events(self, version: Version, *, until: str | None = None) -> Iterator[Node]:
        for event in self.models[version.model].events:
            if event.kind == "register" or event.number != version.number:
                continue
            if until is None or event.time <= until:
                yield told.event(event)

    def run_up(self, run: Run, level: int) -> Node:
        """Return a run with its code, environment, parameters, and data with what made them."""
        return self._grow(told.run(run), "up", level, lambda below: self._read(run, below))

    def _run_up(self, oid: ObjectId, level: int) -> Node:
        try:
            return self.run_up(Run.read(self.repo, oid), level)
        except MissingObject:
            return Node("run", short(oid), oid, _NO_RECORD)

    def _read(self, run: Run, level: int) -> Iterator[Node]:
        yield from told.within(self.repo, run)
        for one in run.inputs:
            yield self.data_up(one.path, one.oid, level, read_by=run.id)

    def run_down(self, run: Run, level: int) -> Node:
        """Return a run with the versions, data and runs that came of it."""
        return self._grow(told.run(run), "down", level, lambda below: self._came_of(run, below))

    def _came_of(self, run: Run, level: int) -> Iterator[Node]:
        for version in self.versions:
            if version.run == run.id:
                yield self.version_down(version, level)
        for one in run.outputs:
            if any(use.run != run.id for use in self.uses.read.get(one.oid, ())):
                yield self.data_down(one.path, [one.oid], level)
        yield from self._runs_down(self.uses.parts.get(run.key, ()), "runs within it", level)

    def data_up(
        self, path: str, oid: ObjectId, level: int, *, read_by: ObjectId | None = None
    ) -> Node:
        """Return data with the run or batch that made it, else with the commit that brought it.

        `read_by` is a run that read it, and so did not make it.
        """
        maker = self.uses.maker(oid)
        if maker is None or maker == read_by:
            return self._not_of_a_run(path, oid, level)
        made_by = maker
        node = Node("data", path, oid)
        return self._grow(node, "up", level, lambda below: [self._run_up(made_by, below)])

    def _not_of_a_run(self, path: str, oid: ObjectId, level: int) -> Node:
        wrote = self.batch_of(oid)
        node = Node("data", path, oid, told.brought(self.repo, path, oid))
        if wrote is None:
            return node
        return self._grow(node, "up", level, lambda below: [self.batch_up(wrote, below)])

    def data_down(self, path: str, oids: Sequence[ObjectId], level: int) -> Node:
        """Return data with what came of it; `oids` are its own, then of folders that hold it."""
        node = Node("data", path, oids[0])
        return self._grow(node, "down", level, lambda below: self._came_of_data(oids, below))

    def _came_of_data(self, oids: Sequence[ObjectId], level: int) -> Iterator[Node]:
        readers = {use.run: use for oid in oids for use in self.uses.read.get(oid, ())}
        ordered = sorted(readers.values(), key=lambda use: (use.started, use.run))
        yield from self._runs_down(ordered, "runs", level)
        fitting = [
            version
            for version in self.versions
            if version.artifact in oids
            or (version.run not in readers and any(one.oid in oids for one in version.inputs))
        ]
        yield from _newest([self.version_down(one, level) for one in fitting[-MANY:]], "versions")

    def _runs_down(self, found: Sequence[Use], what: str, level: int) -> Iterator[Node]:
        if len(found) > MANY:
            yield _more(len(found) - MANY, what)
        for use in found[-MANY:]:
            yield self.run_down(Run.read(self.repo, use.run), level)

    def _grow(self, node: Node, way: Way, level: int, branches: Branches) -> Node:
        """Return a node with its branches one way, if they are asked for and new."""
        if self.depth is not None and level >= self.depth:
            return node
        key = (way, node.kind, node.id)
        if key in self.told:
            return replace(node, facts=_SEEN)
        if len(self.told) >= MOST:
            return replace(node, facts=_LONG)
        self.told.add(key)
        found = tuple(branches(level + 1))
        return replace(node, up=found) if way == "up" else replace(node, down=found)


def _newest(found: list[Node], what: str) -> list[Node]:
    """Return the last of many nodes, given oldest first, after one that tells of the others."""
    left = len(found) - MANY
    return found if left <= 0 else [_more(left, what), *found[left:]]


def _more(count: int, what: str) -> Node:
    return Node("more", f"{count:,} earlier {what}", "")
