"""What happened to a model: a chain of immutable events, newest first, under `models/NAME`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from mlops_cli.core import canonical
from mlops_cli.core.clock import now
from mlops_cli.core.ids import ObjectId, is_id, short
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError, StateError

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

VERSION = 1
PREFIX = "models/"
Act = Literal[
    "register", "promote", "rollback", "alias", "evaluate", "approve", "revoke", "describe", "route"
]
MOVES: tuple[Act, ...] = ("promote", "rollback")
"""Kinds of events that put a version into a stage."""
_ACTS: frozenset[str] = frozenset(get_args(Act))
_PLACED: Mapping[str, str] = {
    "promote": "stage",
    "rollback": "stage",
    "approve": "stage",
    "revoke": "stage",
    "alias": "alias",
    "route": "stage",
}
"""What each kind of event that is about a place calls it."""
_TOLD = (
    *("stage", "alias", "previous", "reason", "trusted", "cause", "version", "card"),
    *("role", "share", "by", "ended"),
)
"""What of an event's detail its audit entry repeats, where it is there."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        number: the version that it is about.
        detail: what else belongs to this kind: of `register` the version's record; of `evaluate`
            what was found; of the others the stage or alias, the version that stood there before,
            gates, reason, and what caused it where no person did.
    """

    oid: ObjectId
    prev: ObjectId | None
    model: str
    kind: Act
    time: str
    who: Mapping[str, str]
    number: int
    detail: Mapping[str, Any] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Raise RequestError unless `name` may name a model, a stage or an alias."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise RequestError(f"'{name}' cannot be a name: use letters, digits, '.', '_' and '-'")


def head(repo: Repository, model: str) -> ObjectId | None:
    """Return the newest event of a model, None when there is no such model."""
    return repo.refs.get(PREFIX + model)


def append(
    repo: Repository, model: str, kind: Act, number: int, detail: Mapping[str, Any]
) -> ObjectId:
    """Add an event to a model's chain, with its audit entry, and return the event's id.

    The caller holds the repository's lock, so that what `detail` says is still so.
    """
    from mlops_cli.audit import chain

    who = repo.identity
    prev = head(repo, model)
    told = {"name": who.name, "email": who.email}
    event = Event(ObjectId(""), prev, model, kind, now(), told, number, detail)
    brief = {key: detail[key] for key in _TOLD if detail.get(key) is not None}
    with repo.writing(), repo.objects.writer() as writer:  # one pack for event and entry
        oid = keep(writer, event)
        deed = chain.Deed(kind, f"{model} v{number}", {"event": oid, **brief})
        chain.record_all(repo, [deed], writer, moves={PREFIX + model: (prev, oid)})
    return oid


def keep(writer: "PackWriter", event: Event) -> ObjectId:
    """Store an event, whatever its `oid` says, and return its id; no chain moves."""
    record = {
        "v": VERSION,
        "prev": event.prev,
        "model": event.model,
        "kind": event.kind,
        "time": event.time,
        "who": dict(event.who),
        "number": event.number,
        "detail": dict(event.detail),
    }
    return writer.put(canonical.encode(record), Kind.EVENT)


def back(
    repo: Repository, start: ObjectId | None, *, until: ObjectId | None = None
) -> Iterator[Event]:
    """Yield the events of a chain from `start` to the first, or to the one after `until`.

    Raises:
        MissingObject: an event is not in this store.
        IntegrityError: an object in the chain is no event.
    """
    while start is not None and start != until:
        event = read(repo, start)
        yield event
        start = event.prev


def read(repo: Repository, oid: ObjectId) -> Event:
    """Return one event."""
    return decode(oid, repo.objects.get(oid))


def decode(oid: ObjectId, data: bytes) -> Event:
    """Return the event that these bytes, the object `oid`, are.

    Raises:
        IntegrityError: they are none.
        StateError: a newer mlo wrote it.
    """
    held = canonical.decode(data)
    try:
        if held["v"] != VERSION:
            raise StateError(
                f"event {short(oid)} has the format {held['v']}, unknown here",
                hint="use a newer mlo",
            )
        prev, detail = held["prev"], dict(held["detail"])
        if prev is not None and not is_id(prev):
            raise IntegrityError(f"event {short(oid)} names nothing before it")
        if held["kind"] not in _ACTS:
            raise ValueError(f"kind '{held['kind']}'")
        place = _PLACED.get(held["kind"])
        if place is not None and not isinstance(detail[place], str):
            raise ValueError("it names no place")
        return Event(
            oid,
            prev,
            str(held["model"]),
            held["kind"],
            str(held["time"]),
            dict(held["who"]),
            int(held["number"]),
            detail,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"object {oid} is in a model's chain but is no event") from error
