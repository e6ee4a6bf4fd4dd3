"""Push: objects first, then refs, which only move forward."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlops_cli.core import refs
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.packs import Pack, as_id
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import Conflict, StateError
from mlops_cli.remotes.catalogue import key_of
from mlops_cli.remotes.closure import needed_by
from mlops_cli.remotes.history import Relation, relation
from mlops_cli.remotes.lost import refuse_lost
from mlops_cli.remotes.remote import Remote, Seen
from mlops_cli.remotes.state import Held, State
from mlops_cli.remotes.transport import MissingKey

_TRIES = 10


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push sent: objects, bytes on the wire, and the refs that it moved."""

    remote: str
    objects: int
    bytes: int
    moved: tuple[str, ...]


def push(
    repo: Repository,
    remote: Remote,
    *,
    only: Iterable[ObjectId] | None = None,
    progress: Progress = SILENT,
) -> Pushed:
    """Send what the remote lacks, then move its refs.

    With `only`, just these objects and what they need are sent, and no ref moves. A push that
    is cut off leaves packs that nothing names; the next one goes on from there.

    Raises:
        Conflict: a ref on the remote has records that are not here: pull first.
        IntegrityError: the remote has lost a pack that it is to have.
        MissingObject: `only` needs something that is neither in this store nor on the remote.
    """
    seen = remote.read()
    refuse_vanished(remote, seen)
    refuse_lost(remote, seen.state.packs)
    remote.catalogue.refresh(remote.transport, seen.state.packs)
    here = repo.refs.all() if only is None else {}  # what moves later is for the next push
    _steps(repo, remote, here, seen.state.refs)
    sent = _send(repo, remote, only, progress)
    moved = _publish(repo, remote, here, seen, sent)
    objects = sum(pack.index.count for pack in sent)
    return Pushed(remote.name, objects, sum(pack.size for pack in sent), moved)


def refuse_vanished(remote: Remote, seen: Seen) -> None:
    """Raise StateError where a remote that has been pushed to is gone: it may not be mounted."""
    packs = len(remote.catalogue.indexes)
    if seen.raw is None and packs:
        raise StateError(
            f"the remote '{remote.name}' held {packs} pack{'s' * (packs > 1)} when last seen, "
            f"and there is nothing at '{remote.transport.url}' now",
            hint=f"is it mounted? to begin anew: mlo remote remove {remote.name}, then add it",
        )


def _send(
    repo: Repository, remote: Remote, only: Iterable[ObjectId] | None, progress: Progress
) -> list[Pack]:
    """Send packs with all that the remote lacks; return them."""
    there = remote.catalogue
    repo.objects.refresh()
    packs = repo.objects.packs()
    wanted = None
    if only is not None:
        needed = needed_by(repo.objects, only, elsewhere=there.has)
        wanted = {bytes.fromhex(one) for one in needed}
    whole: list[Pack] = []
    loose: list[bytes] = []
    for name, pack in packs.items():
        if name in there.indexes:
            continue
        missing = [
            key
            for key in pack.index.ids()
            if (wanted is None or key in wanted) and not there.holds(key)
        ]
        if missing and len(missing) == pack.index.count:
            whole.append(pack)
        else:
            loose += missing
    aside = repo.layout.tmp / f"push-{os.getpid()}-{remote.name}"
    aside.mkdir(exist_ok=True)
    try:
        sent = whole + _repack(repo.objects, loose, aside)
        _upload(remote, sent, progress)
        return sent
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _repack(objects: ObjectStore, keys: list[bytes], aside: Path) -> list[Pack]:
    """Copy single objects into packs of their own."""
    if not keys:
        return []
    writer = PackWriter(aside, aside, knows=lambda *_: False)
    for key in keys:
        pack, entry = objects.stored(as_id(key))
        writer.put_stored(as_id(key), entry, pack.payload(entry))
    writer.finish()
    return [Pack(path) for path in writer.published]


def _upload(remote: Remote, packs: list[Pack], progress: Progress) -> None:
    """Send packs; those that a push that was cut off sent already are not sent again."""
    total = sum(pack.size for pack in packs)
    with progress.task(f"pushing to {remote.name}", total, "B") as advance:
        for pack in packs:
            key = key_of(pack.index.name)
            if not _is_there(remote, key, pack.size):
                remote.transport.write_new(key, pack.source())
            advance(pack.size)


def _is_there(remote: Remote, key: str, size: int) -> bool:
    try:
        return remote.transport.size(key) == size
    except MissingKey:
        return False


def _publish(
    repo: Repository,
    remote: Remote,
    here: Mapping[str, ObjectId],
    seen: Seen,
    sent: list[Pack],
) -> tuple[str, ...]:
    """Name the packs that were sent and move the refs, both at once; return which refs moved."""
    new = {pack.index.name: Held(pack.size, pack.index.count) for pack in sent}
    for _ in range(_TRIES):
        there = seen.state
        changes = _steps(repo, remote, here, there.refs)
        packs = {**there.packs, **new}
        if changes or packs != there.packs:
            try:
                remote.replace(seen, State(packs, refs.apply(there.refs, changes)))
            except Conflict:
                seen = remote.read()
                continue
        for pack in sent:
            remote.catalogue.add(pack.index)
        if changes:
            remote.remember({name: to for name, (_, to) in changes.items() if to is not None})
        return tuple(sorted(changes))
    raise Conflict(f"the remote '{remote.name}' is being changed all the time", hint="mlo push")


def _steps(
    repo: Repository,
    remote: Remote,
    here: Mapping[str, ObjectId],
    there: Mapping[str, ObjectId],
) -> dict[str, tuple[ObjectId | None, ObjectId | None]]:
    """Return how the remote's refs are to move to where they point `here`: forward, or not at all.

    A ref that is here as it was last seen there has no news, even where others have moved it since.
    """
    known = remote.known_refs()
    changes: dict[str, tuple[ObjectId | None, ObjectId | None]] = {}
    for name, new in here.items():
        old = there.get(name)
        stands = relation(repo.objects, new, old)
        if stands is Relation.DIVERGED and new != known.get(name):
            raise Conflict(
                f"the remote '{remote.name}' has records of '{name}' that are not here",
                hint=f"mlo pull {remote.name}",
            )
        if stands is Relation.AHEAD:
            changes[name] = (old, new)
    return changes
