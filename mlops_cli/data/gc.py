"""Gc: drop the objects that nothing reaches, from packs that have been there for a while.

Marking needs no lock. Packs go only while no writer is at work, after a second look for what has
been named in the meantime, so an object that a writer found here stays. What stays of a pack is
copied to a new one first; killed at any point, everything that is needed is in one pack at least.
"""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from operator import attrgetter

from mlops_cli.core import alive, tidy
from mlops_cli.core.files import outside
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lock import hold
from mlops_cli.core.marks import Marks
from mlops_cli.core.packs import ENTRY_BYTES, Kind, Pack, as_id
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.writing import alone
from mlops_cli.data.named import Named

GRACE_S = 14 * 24 * 3600
"""Packs younger than this stay whole, unless the caller says otherwise."""

_WAIT_S = 60.0
_BIGGEST = 10


@dataclass(frozen=True, slots=True)
class Dropped:
    """An object that goes: what it was put as, and the size of its content in bytes."""

    oid: ObjectId
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What went, or would go, and what stays; bytes are those in the store.

    Attributes:
        young_objects: objects that nothing reaches either, but that are not old enough.
        biggest: the largest of the objects that go, whole files and records, not their chunks.
    """

    objects: int
    bytes: int
    kept_objects: int
    kept_bytes: int
    young_objects: int
    young_bytes: int
    biggest: tuple[Dropped, ...]
    dry_run: bool


def collect(
    repo: Repository,
    *,
    removed: Callable[[], Collection[str]],
    now_s: float | None = None,
    grace_s: float = GRACE_S,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Collected:
    """Drop every object that nothing names and no named object needs.

    Args:
        repo: where.
        removed: returns the keys of the runs that were removed, which name nothing any more.
        now_s: the time, in seconds since 1970. A pack from later than that is young.
        grace_s: packs written within so many seconds stay as they are.
        dry_run: say what would go, and leave everything.
        progress: is told of the packs that are written anew.

    Raises:
        StateError: git does not know all history, or writers were at work for a minute.
        RequestError, IntegrityError: a pointer, lock file, tree or record is broken, so that
            nothing tells what is needed.
    """
    names = Named(repo, removed)
    lock = hold(repo.layout.tmp / tidy.LOCK, purpose="gc", wait_s=_WAIT_S, on_wait=repo.on_wait)
    with nullcontext() if dry_run else lock:
        sweep = _Sweep(repo, names, (time.time() if now_s is None else now_s) - grace_s)
        if not dry_run:
            sweep.dead = sweep.drop(sweep.dead)
            sweep.mixed = sweep.drop(sweep.mixed, sweep.copy(progress))
            alive.sweep(repo.layout.tmp)
        return sweep.found(dry_run=dry_run)


class _Sweep:
    """One collection: what is reached, and which packs hold anything else."""

    def __init__(self, repo: Repository, names: Named, young_from_s: float) -> None:
        self._repo = repo
        self._names = names
        self._marks = Marks(repo.objects)
        self._marks.reach(names.look())
        self._packs = _packs(repo)
        young = {n: pack for n, pack in self._packs.items() if _written_s(pack) > young_from_s}
        self._young = self._marks.reach([], packs=young.values())
        self.dead: list[Pack] = []
        self.mixed: list[Pack] = []
        for name, pack in self._packs.items():
            held = pack.index.ids()
            needed = sum(key in self._marks.reached for key in held)
            if name in young or needed == len(held):
                continue
            (self.mixed if needed else self.dead).append(pack)

    def found(self, *, dry_run: bool) -> Collected:
        """Return what goes and what stays."""
        reached, young = self._marks.reached, self._young
        going: dict[bytes, Dropped] = {}
        objects = size = kept = kept_size = waiting = waiting_size = 0
        doomed = {pack.index.name for pack in (*self.dead, *self.mixed)}
        for name, pack in self._packs.items():
            for at, key in enumerate(pack.index.ids()):
                entry = pack.index.entry(at)
                stored = entry.stored + ENTRY_BYTES
                if key not in reached and name in doomed:
                    objects += 1
                    size += stored
                    if entry.kind is not Kind.CHUNK:
                        going[key] = Dropped(as_id(key), entry.kind.name.lower(), entry.length)
                    continue
                kept += 1
                kept_size += stored
                if key in young:
                    waiting += 1
                    waiting_size += stored
        biggest = sorted(going.values(), key=attrgetter("oid"))
        biggest.sort(key=attrgetter("size"), reverse=True)
        return Collected(
            objects, size, kept, kept_size, waiting, waiting_size,
            tuple(biggest[:_BIGGEST]), dry_run,
        )  # fmt: skip

    def copy(self, progress: Progress) -> list[Pack]:
        """Put what is needed of the mixed packs into new ones, and return those."""
        if not self.mixed:
            return []
        total = sum(pack.size for pack in self.mixed)
        with progress.task("packing anew", total, "B") as advance:
            return tidy.copy(
                self.mixed,
                self._repo.layout.packs,
                self._repo.layout.tmp,
                keep=self._marks.reached.__contains__,
                advance=advance,
            )

    def drop(self, packs: list[Pack], copies: Sequence[Pack] = ()) -> list[Pack]:
        """Remove packs of which all that is needed is elsewhere, and return those that went.

        Nobody writes meanwhile. A pack in which something has been named by now stays.
        """
        if not packs:
            return []
        repo = self._repo
        with alone(repo.layout.writing, wait_s=_WAIT_S, on_wait=repo.on_wait) as objects_go:
            made = {copy.index.name for copy in copies}
            names = self._names.look()
            known = self._packs.keys() | made
            new = [pack for name, pack in _packs(repo).items() if name not in known]
            fresh = self._marks.reach(names, packs=new)
            going = [
                pack for pack in packs if pack.index.name not in made and not _any(pack, fresh)
            ]
            if not going:
                return []
            objects_go()
            try:
                for pack in going:
                    pack.path.unlink(missing_ok=True)
            except OSError as error:
                raise outside(error, repo.layout.packs) from error
        repo.objects.refresh()
        return going


def _any(pack: Pack, keys: Collection[bytes]) -> bool:
    return any(pack.index.find(key) is not None for key in keys)


def _packs(repo: Repository) -> dict[str, Pack]:
    repo.objects.refresh()
    return repo.objects.packs()


def _written_s(pack: Pack) -> float:
    try:
        return pack.path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
