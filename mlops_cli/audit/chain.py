"""The record of who did what: one hash chain for each clone.

An entry names the one before it by id, so nobody can change, drop or slip in an entry without
changing every id after it. A clone appends only to its own chain, `audit/<clone id>`, so chains
never conflict when clones exchange them. `docs/design/audit.md` says what this proves and what not.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mlops_cli.core import refs
from mlops_cli.core.canonical import decode, encode
from mlops_cli.core.clock import now
from mlops_cli.core.ids import ObjectId, is_id, short
from mlops_cli.core.objects import Kind
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

VERSION = 1
PREFIX = "audit/"
_MODELS = "models/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did.

    Attributes:
        chain: the clone it was done in.
        seq: its place in that chain, from 1.
        moved: refs that moved with it, by name, to where they moved.
        signature: as `core/signatures.py` makes it; None where it is not signed.
    """

    oid: ObjectId
    chain: str
    seq: int
    time: str
    name: str
    email: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    moved: Mapping[str, ObjectId | None]
    signature: Mapping[str, str] | None = None


class Deed(NamedTuple):
    """What an entry tells: what was done to which thing, and what else is to be known of it."""

    action: str
    subject: str
    detail: Mapping[str, Any]


def record(
    repo: Repository,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    *,
    moves: refs.Changes | None = None,
) -> ObjectId:
    """Append an entry to this clone's chain, move refs with it, and return the entry's id.

    The entry and all of `moves` come to be together or not at all. Objects that `moves` name
    must be in the store.

    Raises:
        Conflict: a ref is not where its move starts from; nothing was recorded.
    """
    with repo.writing(), repo.objects.writer() as writer:
        return _append(repo, [Deed(action, subject, detail)], writer, moves or {})[0]


def record_all(
    repo: Repository,
    deeds: Sequence[Deed],
    writer: "PackWriter",
    *,
    moves: refs.Changes | None = None,
) -> list[ObjectId]:
    """Append several entries to this clone's chain at once, and return their ids.

    What `writer` was given before, which the entries and `moves` may name, is in the store by then;
    it may be given more. It has to be opened within `Repository.writing`.
    """
    return _append(repo, deeds, writer, moves or {})


def _append(
    repo: Repository, deeds: Sequence[Deed], writer: "PackWriter", moves: refs.Changes
) -> list[ObjectId]:
    who = repo.identity
    chain = PREFIX + repo.clone_id
    moved = {name: new for name, (_, new) in moves.items()}
    signs = any(name.startswith(_MODELS) for name in moved) and repo.settings.audit.sign
    if signs:
        from mlops_cli.audit.signed import sign
    with repo.lock(deeds[0].action):
        here = repo.refs.all()
        refs.apply(here, moves)
        first = prev = here.get(chain)
        seq = 0 if prev is None else _read(repo, prev, chain).seq
        made = []
        for number, deed in enumerate(deeds, seq + 1):
            entry = {
                "v": VERSION,
                "prev": prev,
                "seq": number,
                "time": now(),
                "who": {"name": who.name, "email": who.email},
                "action": deed.action,
                "subject": deed.subject,
                "detail": dict(deed.detail),
                "moved": moved,
            }
            if signs:
                entry = dict(sign(repo, entry))
            prev = writer.put(encode(entry), Kind.AUDIT)
            made.append(prev)
        writer.flush()
        repo.refs.move({**moves, chain: (first, prev)})
    return made


def entries(repo: Repository) -> list[Entry]:
    """Return all entries of all chains that this clone knows, oldest first.

    Raises:
        IntegrityError: an entry is damaged or malformed.
        MissingObject: one is not here.
    """
    found = [
        entry for chain, head in repo.refs.all(PREFIX).items() for entry in walk(repo, chain, head)
    ]
    return sorted(found, key=lambda entry: (entry.time, entry.chain, entry.seq))


def walk(repo: Repository, chain: str, head: ObjectId) -> Iterator[Entry]:
    """Yield a chain from its head back, checking that its numbers run down to 1.

    Raises:
        IntegrityError: an entry is damaged, malformed, or not at its place.
        MissingObject: one is not here.
    """
    at: ObjectId | None = head
    expected: int | None = None
    while at is not None:
        entry, prev = _entry(repo, at, chain)
        if expected is not None and entry.seq != expected:
            raise IntegrityError(f"entry {short(at)} has number {entry.seq}, not {expected}")
        if (prev is None) != (entry.seq == 1):
            raise IntegrityError(
                f"entry {short(at)} has number {entry.seq} but is not at its place"
            )
        yield entry
        at, expected = prev, entry.seq - 1


def _read(repo: Repository, oid: ObjectId, chain: str) -> Entry:
    return _entry(repo, oid, chain)[0]


def _entry(repo: Repository, oid: ObjectId, chain: str) -> tuple[Entry, ObjectId | None]:
    """Return an entry and the id of the one before it."""
    return parsed(repo.objects.get(oid), oid, chain)


def parsed(data: bytes, oid: ObjectId, chain: str) -> tuple[Entry, ObjectId | None]:
    """Return the entry that is stored as `data`, and the id of the one before it.

    Raises:
        IntegrityError: that is no entry.
    """
    record = decode(data)
    try:
        if record["v"] != VERSION:
            raise IntegrityError(f"entry {short(oid)} has the version {record['v']}, unknown here")
        prev = record["prev"]
        if prev is not None and not is_id(prev):
            raise IntegrityError(f"entry {short(oid)} names nothing before it")
        entry = Entry(
            oid,
            chain.removeprefix(PREFIX),
            int(record["seq"]),
            str(record["time"]),
            str(record["who"]["name"]),
            str(record["who"]["email"]),
            str(record["action"]),
            str(record["subject"]),
            dict(record["detail"]),
            {name: _maybe_id(new) for name, new in record["moved"].items()},
            record.get("signature"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"object {oid} is in an audit chain but is no entry") from error
    return entry, prev


def _maybe_id(text: object) -> ObjectId | None:
    if text is not None and not (isinstance(text, str) and is_id(text)):
        raise ValueError(f"'{text}' is no id")
    return None if text is None else ObjectId(text)
