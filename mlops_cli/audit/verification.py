"""Whether the record of who did what holds, and tells of all that happened to models.

Entries are hashed and followed back, and laid beside the events that they tell of: no event
without its entry, no entry without its event, and both of the same deed by the same person.
`docs/design/audit.md` says what this proves and what not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_cli.audit.chain import PREFIX, Entry, walk
from mlops_cli.audit.signed import Worth, worth
from mlops_cli.audit.strays import strays
from mlops_cli.core import refs
from mlops_cli.core.canonical import decode
from mlops_cli.core.ids import ObjectId, is_id, short
from mlops_cli.core.objects import Kind
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, MloError

_MODELS = "models/"
_REBASE = "rebase"


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking the record found: how much was checked, and each thing that is wrong.

    Attributes:
        signed: entries with a signature by a key that git's settings vouch for.
        unknown: those signed by a key that nobody vouches for, or that cannot be checked here.
        unsigned: those that moved a model, and are not signed.
        doubts: entries in no chain that a killed process may have left; no problem by themselves.
    """

    entries: int
    events: int
    problems: tuple[str, ...]
    signed: int = 0
    unknown: int = 0
    unsigned: int = 0
    doubts: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class _Told:
    """An entry that tells of an event, and of which event it is a repetition, if it is one."""

    entry: Entry
    repeats: ObjectId | None = None


@dataclass(slots=True)
class _Record:
    """What was found while the chains were walked."""

    problems: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    told: dict[ObjectId, list[_Told]] = field(default_factory=dict)
    left_out: set[ObjectId] = field(default_factory=set)
    """Events that a rebase repeated, or left out and said so."""
    broken: bool = False
    """Whether a chain cannot be followed to its first entry."""
    events: dict[ObjectId, Mapping[str, Any]] = field(default_factory=dict)
    """Those in the chains of models, by id."""


def verify(repo: Repository, *, signed: bool = False) -> Verification:
    """Check every entry of every chain, and every event of every model against them.

    With `signed` an entry that moved a model must carry a signature by a key that git's settings
    vouch for. Signatures that are there are checked anyway.
    """
    found = _Record()
    stored = set(repo.objects.each(Kind.AUDIT))  # asked first: the chains know these by then
    heads = repo.refs.all()
    known = dict(_remembered(repo, found.problems))
    _walk_entries(repo, heads, found)
    here = _walk_events(repo, heads, found)
    elsewhere = _elsewhere(repo, known, found)
    for oid, event in found.events.items():
        found.problems += _told_rightly(oid, event, found)
    found.problems += _gone(found, elsewhere)
    found.problems += _undone(repo, found)
    entries = {(PREFIX + entry.chain, entry.oid) for entry in found.entries}
    found.problems += _fallen_back(repo, heads, known, here, entries)
    doubts = tuple(_in_no_chain(repo, stored, found))
    worths = Counter(_signatures(repo, found, signed=signed))
    return Verification(
        len(found.entries),
        len(found.events),
        tuple(found.problems),
        signed=worths["good"],
        unknown=worths["unknown"],
        unsigned=worths["none"],
        doubts=doubts,
    )


def _walk_entries(repo: Repository, heads: Mapping[str, ObjectId], found: _Record) -> None:
    seen: dict[ObjectId, str] = {}
    for chain, head in heads.items():
        if not chain.startswith(PREFIX):
            continue
        line: list[Entry] = []
        try:
            for entry in walk(repo, chain, head):
                line.append(entry)
                if seen.setdefault(entry.oid, chain) != chain:
                    raise IntegrityError(f"entry {short(entry.oid)} is in {seen[entry.oid]} too")
        except MloError as error:
            found.problems.append(f"{chain}: {error.message}")
            found.broken = True
        found.entries += line
        for entry in reversed(line):
            _take(entry, found)


def _take(entry: Entry, found: _Record) -> None:
    """Note of which events an entry tells."""
    if entry.action == _REBASE:
        replaced, made = _rebased(entry, found)
        olds = {new: old for old, new in replaced.items() if new is not None}
        for one in made:
            found.told.setdefault(one, []).append(_Told(entry, olds.get(one)))
        if any(new not in made for name, new in entry.moved.items() if made and new is not None):
            found.problems.append(f"entry {short(entry.oid)} moved a model to what it did not make")
        mine = [old for old in replaced if _tells(found, entry.chain, old)]
        found.left_out.update(mine)
        return
    for name, new in entry.moved.items():
        if name.startswith(_MODELS) and new is not None:
            found.told.setdefault(new, []).append(_Told(entry))


def _rebased(
    entry: Entry, found: _Record
) -> tuple[dict[ObjectId, ObjectId | None], list[ObjectId]]:
    """Return what a rebase made of each event, and all that it made."""
    replaced, made = entry.detail.get("replaced", {}), entry.detail.get("made", [])
    sound = isinstance(replaced, dict) and isinstance(made, list)
    if sound:
        every = [*replaced, *made, *(one for one in replaced.values() if one is not None)]
        sound = all(isinstance(one, str) and is_id(one) for one in every)
    if not sound:
        found.problems.append(f"entry {short(entry.oid)} does not say what its rebase made of what")
        return {}, []
    return replaced, made


def _tells(found: _Record, chain: str, oid: ObjectId) -> bool:
    """Return whether an earlier entry of a chain tells of an event."""
    return any(one.entry.chain == chain for one in found.told.get(oid, ()))


def _walk_events(
    repo: Repository, heads: Mapping[str, ObjectId], found: _Record
) -> dict[str, set[ObjectId]]:
    """Return the events of each model here."""
    here: dict[str, set[ObjectId]] = {}
    for name, head in heads.items():
        if name.startswith(_MODELS):
            here[name] = set()
            try:
                for oid, event in _events(repo, name, head):
                    here[name].add(oid)
                    if oid in found.events:
                        raise IntegrityError(f"event {short(oid)} is of another model too")
                    found.events[oid] = event
            except MloError as error:
                found.problems.append(f"{name}: {error.message}")
    return here


def _events(
    repo: Repository, name: str, head: ObjectId
) -> Iterator[tuple[ObjectId, Mapping[str, Any]]]:
    at: ObjectId | None = head
    while at is not None:
        event = decode(repo.objects.get(at))
        if not isinstance(event, dict) or "prev" not in event:
            raise IntegrityError(f"object {at} is in the chain of {name} but is no event")
        if event.get("model") != name.removeprefix(_MODELS):
            raise IntegrityError(f"event {short(at)} is of the model {event.get('model')}")
        yield at, event
        at = event["prev"]
        if at is not None and not is_id(str(at)):
            raise IntegrityError(f"event {short(ObjectId(str(at)))} names nothing before it")


def _told_rightly(oid: ObjectId, event: Mapping[str, Any], found: _Record) -> Iterator[str]:
    """Yield what is wrong with how the record tells of an event."""
    where = f"{_MODELS}{event['model']}"
    told = found.told.get(oid, [])
    if not told:
        yield f"{where}: no entry tells who made event {short(oid)}"
    if oid in found.left_out:
        yield f"{where}: event {short(oid)} is back, of which a rebase made another"
    if len(told) > 1:
        yield f"{where}: {len(told)} entries tell of event {short(oid)}"
    for one in told:
        for what in _differs(oid, event, one, found):
            yield f"{where}: entry {short(one.entry.oid)} and event {short(oid)} differ in {what}"


def _differs(oid: ObjectId, event: Mapping[str, Any], told: _Told, found: _Record) -> Iterator[str]:
    """Yield in what an event and the entry that tells of it differ."""
    entry = told.entry
    if entry.action == _REBASE:
        yield from _differs_from_first(event, told, found)
        return
    who = event.get("who")
    detail = event.get("detail")
    facts = {key: one for key, one in entry.detail.items() if key != "event"}
    if entry.action != event.get("kind"):
        yield "what was done"
    if not isinstance(who, Mapping) or (who.get("name"), who.get("email")) != (
        entry.name,
        entry.email,
    ):
        yield "who did it"
    if entry.subject != f"{event.get('model')} v{event.get('number')}":
        yield "which version it was"
    if str(event.get("time")) > entry.time:
        yield "when it was"
    if entry.detail.get("event") != oid:
        yield "which event it is"
    if not isinstance(detail, Mapping) or any(detail.get(key) != facts[key] for key in facts):
        yield "what is known of it"


def _differs_from_first(event: Mapping[str, Any], told: _Told, found: _Record) -> Iterator[str]:
    """Yield in what an event differs from the one that a rebase made it of."""
    if told.repeats is None:
        yield "which event it repeats"
        return
    before = [one.entry for one in found.told.get(told.repeats, ())]
    mine = [one for one in before if one.chain == told.entry.chain and one.seq < told.entry.seq]
    if len(mine) != 1:
        yield "which event it repeats"
        return
    (first,) = mine
    if first.action == _REBASE:
        return  # told when it was repeated first
    who = event.get("who") or {}
    if (who.get("name"), who.get("email")) != (first.name, first.email):
        yield "who did it"
    if event.get("kind") != first.action or str(event.get("time")) > first.time:
        yield "what was done"
    detail = event.get("detail") or {}
    told_of = {k: one for k, one in first.detail.items() if k not in ("event", "previous")}
    if any(detail.get(key) != one for key, one in told_of.items()):
        yield "what is known of it"


def _gone(found: _Record, elsewhere: set[ObjectId]) -> Iterator[str]:
    """Yield a line for each event that an entry tells of, and that is in no chain any more."""
    for oid, told in found.told.items():
        if oid not in found.events and oid not in found.left_out and oid not in elsewhere:
            entry = told[0].entry
            yield (
                f"{entry.subject}: event {short(oid)} ({entry.action} by {entry.name}) is gone"
                " from its model"
            )


def _in_no_chain(repo: Repository, stored: set[ObjectId], found: _Record) -> Iterator[str]:
    """Add entries that no chain leads to to the problems; yield those that a kill may explain.

    Where a chain is broken that is told already, and what was before the break is in none.
    """
    if found.broken:
        return
    for one in strays(repo, repo.objects.get, stored, [entry.oid for entry in found.entries]):
        if one.is_doubt:
            yield str(one)
        else:
            found.problems.append(str(one))


def _undone(repo: Repository, found: _Record) -> Iterator[str]:
    """Yield a line for each model that does not hold what this clone has moved it to last."""
    last: dict[str, Entry] = {}
    ours = repo.named_clone
    for entry in found.entries:
        if entry.chain == ours:
            for name in entry.moved:
                last[name] = max(last.get(name, entry), entry, key=lambda one: one.seq)
    for name, entry in last.items():
        if name.startswith(_MODELS) and entry.moved[name] not in found.events:
            yield f"{name}: what was done here last, {entry.action} {entry.subject}, is gone"


def _remembered(
    repo: Repository, problems: list[str]
) -> Iterator[tuple[str, Mapping[str, ObjectId]]]:
    """Yield the refs that each remote was last seen to have, by the remote's name."""
    for seen in sorted(repo.layout.remotes.glob("*/refs")):
        try:
            yield seen.parent.name, refs.decode(seen.read_bytes(), where=str(seen))
        except IntegrityError:
            problems.append(
                f"what '{seen.parent.name}' had is damaged here, so nothing tells what is gone:"
                " mlo fetch"
            )


def _elsewhere(
    repo: Repository, known: Mapping[str, Mapping[str, ObjectId]], found: _Record
) -> set[ObjectId]:
    """Return the events that remotes have and that are not in the chains here, not yet."""
    more: set[ObjectId] = set()
    for there in known.values():
        for name, head in there.items():
            if not name.startswith(_MODELS):
                continue
            try:
                for oid, _ in _events(repo, name, head):
                    if oid in found.events or oid in more:
                        break
                    more.add(oid)
            except MloError:
                continue  # a remote that was seen, but whose events never came
    return more


def _fallen_back(
    repo: Repository,
    heads: Mapping[str, ObjectId],
    known: Mapping[str, Mapping[str, ObjectId]],
    events: Mapping[str, set[ObjectId]],
    entries: set[tuple[str, ObjectId]],
) -> Iterator[str]:
    """Yield a line for each chain that a remote was seen to have more of than is here."""
    for remote, there in known.items():
        for name, head in there.items():
            here = heads.get(name)
            if name.startswith(PREFIX):
                if (name, head) not in entries:
                    yield f"{name}: entries that '{remote}' has are gone from here"
                continue
            ahead = name.startswith(_MODELS) and head not in events.get(name, ())
            if ahead and (here is None or here in _before(repo, name, head)):
                yield f"{name}: events that '{remote}' has are gone from here"


def _before(repo: Repository, name: str, head: ObjectId) -> set[ObjectId]:
    try:
        return {oid for oid, _ in _events(repo, name, head)}
    except MloError:
        return set()


def _signatures(repo: Repository, found: _Record, *, signed: bool) -> Iterator[Worth]:
    """Yield what the signature of each entry is worth, of those that moved a model or have one."""
    for entry in found.entries:
        moves = any(name.startswith(_MODELS) for name in entry.moved)
        if entry.signature is None and not moves:
            continue
        what = worth(repo, entry)
        yield what
        named = f"{PREFIX}{entry.chain}: entry {short(entry.oid)} ({entry.action} {entry.subject})"
        if what == "bad":
            found.problems.append(f"{named} has a signature that is not its own")
        elif signed and what == "none":
            found.problems.append(f"{named} is not signed")
        elif signed and what == "unknown":
            found.problems.append(f"{named} is signed by a key that nobody vouches for")
