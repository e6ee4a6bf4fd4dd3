"""Push: objects first, then refs, which only move forward."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core import refs
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.packs import SUFFIX, Pack, as_id
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import Conflict
from mlops_cli.remotes.closure import needed_by
from mlops_cli.remotes.history import Relation, relation
from mlops_cli.remotes.remote import Remote

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
    is cut off leaves objects that nothing names; the next one goes on from there.

    Raises:
        Conflict: a ref on the remote has records that are not here: pull first.
        MissingObject: `only` names something that is not in this store.
    """
    remote.check_format(create=True)
    remote.catalogue.refresh(remote.transport)
    if only is None:
        _refuse_diverged(repo, remote)
    objects, sent = _send(repo, remote, only, progress)
    moved = () if only is not None else _move(repo, remote)
    return Pushed(remote.name, objects, sent, moved)


def _send(
    repo: Repository, remote: Remote, only: Iterable[ObjectId] | None, progress: Progress
) -> tuple[int, int]:
    there = remote.catalogue.keys()
    wanted = None if only is None else {bytes.fromhex(one) for one in needed_by(repo.objects, only)}
    whole: list[Pack] = []
    loose: list[bytes] = []
    for name, index in repo.objects.indexes().items():
        missing = [
            key for key in index.ids() if key not in there and (wanted is None or key in wanted)
        ]
        if missing and len(missing) == index.count:
            whole.append(repo.objects.pack(name))
        else:
            loose += missing
    aside = repo.layout.tmp / f"push-{remote.name}"
    aside.mkdir(exist_ok=True)
    try:
        packs = whole + _repack(repo.objects, loose, aside)
        return _upload(remote, packs, progress)
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


def _upload(remote: Remote, packs: list[Pack], progress: Progress) -> tuple[int, int]:
    total = sum(pack.size for pack in packs)
    with progress.task(f"pushing to {remote.name}", total, "B") as advance:
        for pack in packs:
            remote.transport.write_new(f"packs/{pack.index.name}{SUFFIX}", pack.source())
            remote.catalogue.add(pack.index)
            advance(pack.size)
    return sum(pack.index.count for pack in packs), total


def _refuse_diverged(repo: Repository, remote: Remote) -> None:
    _steps(repo, remote, remote.read_refs(remote.refs_bytes()))


def _move(repo: Repository, remote: Remote) -> tuple[str, ...]:
    for _ in range(_TRIES):
        raw = remote.refs_bytes()
        there = remote.read_refs(raw)
        changes = _steps(repo, remote, there)
        if not changes:
            return ()
        moved = refs.encode(refs.apply(there, changes))
        try:
            remote.transport.compare_and_swap("refs", raw, moved)
        except Conflict:
            continue
        remote.remember({name: new for name, (_, new) in changes.items() if new is not None})
        return tuple(sorted(changes))
    raise Conflict(f"the remote '{remote.name}' is being changed all the time", hint="mlo push")


def _steps(
    repo: Repository, remote: Remote, there: dict[str, ObjectId]
) -> dict[str, tuple[ObjectId | None, ObjectId | None]]:
    """Return how the remote's refs are to move: forward, or not at all.

    A ref that is here as it was last seen there has nothing to send, wherever it points now.
    """
    seen = remote.known_refs()
    changes: dict[str, tuple[ObjectId | None, ObjectId | None]] = {}
    for name, here in repo.refs.all().items():
        old = there.get(name)
        if old is not None and here == seen.get(name):
            continue
        stands = relation(repo.objects, here, old)
        if stands is Relation.DIVERGED:
            raise Conflict(
                f"the remote '{remote.name}' has records of '{name}' that are not here",
                hint=f"mlo pull {remote.name}",
            )
        if stands is Relation.AHEAD:
            changes[name] = (old, here)
    return changes
