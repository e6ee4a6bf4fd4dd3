"""Which runs made which content, and which read it: told by the records of all runs at once.

10,000 records take a quarter of a second, so nothing is kept of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.runs.index import removed_keys

_BATCH = b'{"action":"predict"'
"""How the canonical bytes of the audit entry of a batch begin."""
_RETRAINING = b'{"action":"retrain"'
_ALERT = b'{"action":"alert"'


@dataclass(frozen=True, slots=True)
class Use:
    """One run that made or read some content.

    Attributes:
        maker: key of the run whose step made it; that of `run` unless it was restored.
    """

    run: ObjectId
    key: str
    started: str
    maker: str = ""


@dataclass(frozen=True, slots=True)
class Uses:
    """Runs by the ids of what they made and read, each list oldest first, and by parent's key."""

    made: dict[str, list[Use]]
    read: dict[str, list[Use]]
    parts: dict[str, list[Use]]

    def maker(self, oid: ObjectId) -> ObjectId | None:
        """Return the run that made this content first, None for what no run made."""
        found = self.made.get(oid, [])
        own = [use for use in found if use.maker == use.key]
        return next((use.run for use in own or found), None)


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """The audit entry of a batch of predictions."""

    oid: ObjectId
    batch: str
    time: str
    by: str
    detail: dict[str, Any]


def survey(repo: Repository) -> Uses:
    """Return what all runs that are on the list made and read."""
    gone = removed_keys(repo)
    uses = Uses({}, {}, {})
    for oid, held in _records(repo):
        if held["key"] not in gone:
            _add(uses, oid, held)
    for table in (uses.made, uses.read, uses.parts):
        for found in table.values():
            found.sort(key=lambda use: (use.started, use.run))
    return uses


def _add(uses: Uses, oid: ObjectId, held: dict[str, Any]) -> None:
    key, started = held["key"], held["started"]
    makers = {out["oid"]: step["run"] for step in held["steps"] for out in step["outs"].values()}
    for one in held["outputs"]:
        use = Use(oid, key, started, makers.get(one["oid"], key))
        uses.made.setdefault(one["oid"], []).append(use)
    use = Use(oid, key, started)
    for read in {one["oid"] for one in held["inputs"]}:
        uses.read.setdefault(read, []).append(use)
    if held.get("parent"):
        uses.parts.setdefault(held["parent"], []).append(use)


def batches(repo: Repository) -> list[BatchEntry]:
    """Return the entries of all batches of predictions, oldest first."""
    found = [
        _entry(oid, canonical.decode(data))
        for oid, data in _contents(repo, Kind.AUDIT)
        if data.startswith(_BATCH)
    ]
    return sorted(found, key=lambda entry: (entry.time, entry.oid))


@dataclass(frozen=True, slots=True)
class Retraining:
    """The audit entry of a retraining that ran the pipeline: why, and on what."""

    oid: ObjectId
    time: str
    by: str
    detail: dict[str, Any]


def retrainings(repo: Repository) -> dict[str, Retraining]:
    """Return what made runs without a person, by the ids of the runs."""
    found = {}
    for oid, data in _contents(repo, Kind.AUDIT):
        if data.startswith(_RETRAINING):
            held: Any = canonical.decode(data)
            detail = held["detail"]
            if detail.get("step") == "run":
                one = Retraining(oid, held["time"], held["who"]["name"], detail)
                found[str(detail.get("run"))] = one
    return found


def _entry(oid: ObjectId, held: Any) -> BatchEntry:
    return BatchEntry(oid, held["subject"], held["time"], held["who"]["name"], held["detail"])


def _records(repo: Repository) -> Iterator[tuple[ObjectId, dict[str, Any]]]:
    import orjson

    for oid, data in _contents(repo, Kind.RUN):
        try:
            yield oid, orjson.loads(data)
        except orjson.JSONDecodeError:
            yield oid, canonical.decode(data)


def _contents(repo: Repository, kind: Kind) -> Iterator[tuple[ObjectId, bytes]]:
    ids = list(repo.objects.each(kind))
    for oid, data in zip(ids, repo.objects.contents(ids), strict=True):
        yield oid, repo.objects.get(oid) if data is None else bytes(data)


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """The audit entry of an alert, `firing`, `resolved` or `cannot check`."""

    oid: ObjectId
    time: str
    detail: dict[str, Any]

    @property
    def versions(self) -> list[str]:
        """The ids of the versions that it is about: its own, or those at work or failing then."""
        facts = self.detail.get("facts")
        held = facts if isinstance(facts, dict) else {}
        each = [held[name] for name in ("answered", "failed") if isinstance(held.get(name), list)]
        told = [one.get("version") for some in each for one in some if isinstance(one, dict)]
        return [str(one) for one in (self.detail.get("version"), *told) if one is not None]


def alerts(repo: Repository) -> list[AlertEntry]:
    """Return the entries of all alerts, oldest first."""
    found = [
        (canonical.decode(data), oid)
        for oid, data in _contents(repo, Kind.AUDIT)
        if data.startswith(_ALERT)
    ]
    made = [AlertEntry(oid, str(held["time"]), dict(held["detail"])) for held, oid in found]
    return sorted(made, key=lambda entry: (entry.time, entry.oid))
