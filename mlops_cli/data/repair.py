"""Repair: keep of damaged packs what is good, and bring the rest from where it is whole.

Damaged packs are set aside in `.mlo/damaged`, never removed: somebody may know more than we do.
Afterwards every stored byte is what its name says, and what could not be had is told.
"""

import os
from collections.abc import Callable, Collection
from pathlib import Path

from blake3 import blake3

from mlops_cli.core import canonical, tidy, tree
from mlops_cli.core import refs as ref_files
from mlops_cli.core.files import outside, sync_folder, write_whole
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lock import hold
from mlops_cli.core.objects import Kind
from mlops_cli.core.pack_check import check_object
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.packs import SUFFIX, Pack, as_id
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.writing import alone
from mlops_cli.data import fsck, paths, snapshot
from mlops_cli.data.fsck import Checked, Examined, Problem
from mlops_cli.errors import IntegrityError, MloError

Bring = Callable[[Collection[ObjectId]], int]
"""Gets objects from elsewhere, as many of them as can be had; returns how many came."""

_WAIT_S = 60.0
_ROUNDS = 4
_MODELS, _AUDIT = "models/", "audit/"


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was found and done.

    Attributes:
        found: what was wrong.
        aside: files that were set aside, relative to `.mlo`.
        from_work_tree: paths of files whose content was stored again.
        brought: how many objects came from elsewhere.
        lost: problems of which something that has a name is still not here.
        after: how the store is now.
        unreached: why nothing, or not all, came from elsewhere.
    """

    found: tuple[Problem, ...]
    aside: tuple[str, ...]
    from_work_tree: tuple[str, ...]
    brought: int
    lost: tuple[Problem, ...]
    after: Checked
    unreached: str | None = None


def repair(repo: Repository, *, bring: Bring | None, progress: Progress = SILENT) -> Repaired:
    """Make the store whole again; with nothing wrong, do nothing.

    `bring` is asked only for what the store and the work tree do not have.

    Raises:
        Locked: writers were at work for a minute.
        ExternalError: the disk is full.
    """
    first = fsck.examine(repo, progress=progress)
    stored = [one for one in first.problems if one.where.endswith(SUFFIX) or one.where == "refs"]
    if not stored:
        return Repaired(first.problems, (), (), 0, first.problems, fsck.told(first))
    aside = _set_all_aside(repo, first, progress)
    unlisted = any(one.oid is None and one.where.endswith(SUFFIX) for one in first.problems)
    wanted = set(first.store.bad) | {one.oid for one in first.problems if one.oid}
    if unlisted:
        wanted |= _named(first)
    healed = _heal(repo, first)
    missing = {oid for oid in wanted if not repo.objects.has(oid)}
    brought, unreached = _bring(bring, missing)
    if any(one.where == "refs" and one.oid is None for one in first.problems):
        _name_heads(repo)
    last = fsck.examine(repo, progress=progress)
    lost = tuple(one for one in first.problems if _is_lost(one, last))
    after = fsck.told(last)
    if unlisted and after.absent:
        lost += tuple(
            Problem(None, path, "it may have been in a pack that cannot be read", (path,))
            for path in after.absent
        )
    return Repaired(first.problems, aside, healed, brought, lost, after, unreached)


def _bring(bring: Bring | None, missing: Collection[ObjectId]) -> tuple[int, str | None]:
    if bring is None or not missing:
        return 0, None
    try:
        return bring(missing), None
    except MloError as error:
        return 0, error.message


def _is_lost(problem: Problem, last: Examined) -> bool:
    if problem.oid is None:
        return any(problem.where == one.where for one in last.problems)
    needed = problem.needed_by or problem.where == "refs"
    return bool(needed) and not last.store.whole(problem.oid)


def _set_all_aside(repo: Repository, found: Examined, progress: Progress) -> tuple[str, ...]:
    """Take damaged packs and refs out of the store, but for what is good in them."""
    aside: list[str] = []
    with hold(repo.layout.tmp / tidy.LOCK, purpose="fsck --repair", on_wait=repo.on_wait):
        for _ in range(_ROUNDS):  # what was saved from a pack without an index may be damaged too
            names = {one.where for one in found.problems}
            damaged = [repo.layout.packs / name for name in names if name.endswith(SUFFIX)]
            if not damaged:
                break
            _save_good(repo, found, damaged)
            aside += _move_aside(repo, damaged)
            repo.objects.refresh()
            found = fsck.examine(repo, progress=progress)
    try:
        repo.refs.all()
    except IntegrityError:
        aside += _move_aside(repo, [repo.layout.refs])
    return tuple(sorted(aside))


def _save_good(repo: Repository, found: Examined, damaged: Collection[Path]) -> None:
    """Copy what is good of damaged packs, undecoded, into new ones."""
    listed: list[Pack] = []
    unlisted: list[Path] = []
    for path in damaged:
        try:
            listed.append(Pack(path))
        except FileNotFoundError:
            continue
        except IntegrityError:
            unlisted.append(path)
    good = found.store.places
    for pack in listed:
        tidy.copy(
            [pack],
            repo.layout.packs,
            repo.layout.tmp,
            keep=lambda key, pack=pack: (  # type: ignore[misc]
                as_id(key) in good and good[as_id(key)][0].path == pack.path
            ),
        )
    for path in unlisted:
        _salvage(repo, path)


def _salvage(repo: Repository, path: Path) -> None:
    """Save from a pack whose end was changed each object whose entry is still right."""
    pack = Pack.salvaged(path)
    if pack is None:
        return
    writer = PackWriter(repo.layout.packs, repo.layout.tmp, knows=lambda *_: False)
    try:
        for at in range(pack.index.count):
            oid = as_id(pack.index.key(at))
            try:
                entry = pack.index.entry(at)
                check_object(pack, oid, entry)
            except IntegrityError:
                continue
            writer.put_stored(oid, entry, pack.payload(entry))
        writer.finish()
    except BaseException:
        writer.abandon()
        raise


def _move_aside(repo: Repository, files: Collection[Path]) -> list[str]:
    folder = repo.layout.damaged
    moved = []
    with alone(repo.layout.writing, wait_s=_WAIT_S, on_wait=repo.on_wait) as objects_go:
        objects_go()
        try:
            folder.mkdir(exist_ok=True)
            for path in files:
                if path.exists():
                    os.replace(path, folder / path.name)
                    moved.append(f"{folder.name}/{path.name}")
            sync_folder(folder)
        except OSError as error:
            raise outside(error, folder) from error
    return moved


def _named(found: Examined) -> set[ObjectId]:
    """Return what has a name: any of it may have been in a pack that cannot be listed."""
    named = {oid for _, oid in (*found.labels.now, *found.labels.before)}
    return named | {
        entry.oid
        for oid in list(found.store.places)
        if found.store.places[oid][1].kind is Kind.TREE
        for entry in tree.decode(found.store.get(oid))
    }


def _heal(repo: Repository, found: Examined) -> tuple[str, ...]:
    """Store again what is not here but still in the work tree; return the paths."""
    healed: list[str] = []
    for path, oid in found.labels.now:
        try:
            target = paths.locate(repo, path)
            files = _still_there(repo, path, target, oid)
            with repo.objects.writer() as writer:
                for file in files:
                    snapshot.take(repo, repo.root / file, writer=writer)
        except (MloError, OSError):
            continue  # it is not there, or not as it was: some other place may have it
        healed += files
    return tuple(healed)


def _still_there(repo: Repository, path: str, target: Path, oid: ObjectId) -> list[str]:
    """Return which paths hold what is not in the store of a version, as it was."""
    has = repo.objects.has
    if target.is_symlink():
        return []
    if target.is_file():
        return [path] if not has(oid) and _hash(target) == oid else []
    if snapshot.take(repo, target).oid == oid:
        return [] if _has_all(repo, oid) else [path]
    return [
        f"{path}/{inner}"
        for inner, entry in tree.walk(repo.objects, oid)
        if entry.mode in (tree.Mode.FILE, tree.Mode.EXECUTABLE)
        and not has(entry.oid)
        and (target / inner).is_file()
        and not (target / inner).is_symlink()
        and _hash(target / inner) == entry.oid
    ]


def _has_all(repo: Repository, oid: ObjectId) -> bool:
    """Return whether a folder's version is here with all that is in it."""
    try:
        return all(repo.objects.has(entry.oid) for _, entry in tree.walk(repo.objects, oid))
    except MloError:
        return False


def _hash(path: Path) -> ObjectId:
    return ObjectId(blake3().update_mmap(path).hexdigest())


def _name_heads(repo: Repository) -> None:
    """Name the newest record of each chain again, where only one can be it."""
    chains: dict[str, dict[ObjectId, str | None]] = {}
    for kind in (Kind.EVENT, Kind.AUDIT):
        for oid in repo.objects.each(kind):
            record = canonical.decode(repo.objects.get(oid))
            if not isinstance(record, dict):
                continue
            model = record.get("model")
            name = _AUDIT if kind is Kind.AUDIT else f"{_MODELS}{model}"
            chains.setdefault(name, {})[oid] = record.get("prev")
    with repo.lock("fsck --repair"):
        refs = repo.refs.all()
        mine = _AUDIT + repo.clone_id
        others = {oid for name, oid in refs.items() if name.startswith(_AUDIT) and name != mine}
        for name, chain in chains.items():
            ref = mine if name == _AUDIT else name
            heads = chain.keys() - set(chain.values()) - others
            if len(heads) == 1 and _leads_to(chain, max(heads), refs.get(ref)):
                refs[ref] = max(heads)
        write_whole(repo.layout.refs, ref_files.encode(refs))


def _leads_to(chain: dict[ObjectId, str | None], head: str | None, old: ObjectId | None) -> bool:
    """Return whether a chain passes what a ref has now; it does if the ref has nothing."""
    while head is not None and head != old and head in chain:
        head = chain[ObjectId(head)]
    return old is None or head == old
