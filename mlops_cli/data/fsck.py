"""Fsck: read every stored byte, decode it, hash it, and say what is not what its name says.

Works on the packs themselves, so that one damaged pack hides nothing that is in others. The
prediction log is read too.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from mlops_cli.audit.strays import Stray, strays
from mlops_cli.core import canonical, codec, tree
from mlops_cli.core import refs as ref_files
from mlops_cli.core.ids import ObjectId, is_id, short
from mlops_cli.core.pack_check import check_layout, check_object, parts_of
from mlops_cli.core.packs import SUFFIX, Codec, Entry, Kind, Pack, as_id
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import labels
from mlops_cli.data.labels import Labels
from mlops_cli.data.needs import needers
from mlops_cli.data.predictions import soundness
from mlops_cli.errors import IntegrityError, MissingObject

_COMPOSED = frozenset({Codec.LIST, Codec.DELTA})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        oid: the object that it is about, if it is about one.
        where: the pack or file that holds it.
        what: what is wrong.
        needed_by: pointers, outputs, runs and model versions that cannot be had whole.
    """

    oid: ObjectId | None
    where: str
    what: str
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What was read, and all that is wrong.

    `absent` are versioned paths whose bytes are not in this store, which is no damage: they may
    not have been fetched.
    """

    packs: int
    objects: int
    bytes: int
    problems: tuple[Problem, ...]
    absent: tuple[str, ...]
    untold: str | None = None
    """Why git did not tell which versions there were, if so."""
    doubts: tuple[str, ...] = ()
    """What a killed process may have left: audit entries in no chain, torn ends of the log."""
    log: tuple[Problem, ...] = ()
    """What is wrong with the prediction log, which has no second copy to repair it from."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What `check` goes by: what is good, what is wrong, and the paths that have versions now."""

    store: "Store"
    problems: tuple[Problem, ...]
    labels: Labels
    packs: int
    bytes: int
    doubts: tuple[str, ...] = ()


def check(repo: Repository, *, progress: Progress = SILENT) -> Checked:
    """Read all packs, refs, pointers and predictions and return what was found.

    When something is wrong or missing the stat cache is dropped, so that the next `add` believes
    nothing that was said of the store before.
    """
    checked = told(examine(repo, progress=progress))
    if checked.absent:
        repo.layout.stat_cache.unlink(missing_ok=True)
    return _with_log(checked, repo, progress)


def _with_log(checked: Checked, repo: Repository, progress: Progress) -> Checked:
    """Return what was found, and what is wrong with the prediction log."""
    folder = repo.layout.predictions
    files = soundness.files(folder)
    total = sum(path.stat().st_size for path in files if path.exists())
    with progress.task("checking predictions", total, "B") as advance:
        flaws = [flaw for path in files for flaw in soundness.flaws(path, advance)]
    named = [(one, one.path.relative_to(folder.parent).as_posix()) for one in flaws]
    return replace(
        checked,
        log=tuple(Problem(None, where, one.what) for one, where in named if not one.doubt),
        doubts=(*checked.doubts, *(f"{where}: {one.what}" for one, where in named if one.doubt)),
    )


def told(found: Examined) -> Checked:
    """Return what is told of an examination."""
    return Checked(
        found.packs,
        len(found.store.places),
        found.bytes,
        found.problems,
        _absent(found.labels, found.store),
        found.labels.untold,
        found.doubts,
    )


def examine(repo: Repository, *, progress: Progress = SILENT) -> Examined:
    """Read all packs, refs and pointers, and return what is good of them too."""
    store = Store()
    problems: list[Problem] = []
    files = sorted(repo.layout.packs.glob(f"*{SUFFIX}"))
    sizes = {path: path.stat().st_size for path in files if path.exists()}
    with progress.task("checking", sum(sizes.values()), "B") as advance:
        for path in files:
            problems += _check_pack(store, path, advance)
    problems += _check_composed(store)
    linked: set[ObjectId] = set()
    problems += _check_refs(repo, store, linked)
    loose = [] if problems else _in_no_chain(repo, store, linked)
    problems += [Problem(None, "the record", str(one)) for one in loose if not one.is_doubt]
    if problems:
        repo.layout.stat_cache.unlink(missing_ok=True)
    names = labels.read(repo, history=bool(store.bad))
    problems = list(_explained(names, store, problems))
    problems += [Problem(None, file, what) for file, what in names.broken]
    doubts = tuple(str(one) for one in loose if one.is_doubt)
    return Examined(store, tuple(problems), names, len(files), sum(sizes.values()), doubts)


@dataclass(slots=True)
class Store:
    """What the readable packs hold: objects that are good, and those that are not.

    `torn` are bad only in that chunks of theirs are.
    """

    places: dict[ObjectId, tuple[Pack, Entry]] = field(default_factory=dict)
    torn: dict[ObjectId, tuple[Pack, Entry]] = field(default_factory=dict)
    bad: set[ObjectId] = field(default_factory=set)
    composed: list[tuple[ObjectId, str]] = field(default_factory=list)

    def whole(self, oid: ObjectId) -> bool:
        """Return whether the object is here and good."""
        return oid in self.places

    def get(self, oid: ObjectId) -> bytes:
        """Return the content of a good object."""
        return b"".join(self.pieces(oid))

    def pieces(self, oid: ObjectId) -> Iterator[bytes]:
        """Yield the content of a good object, or of a list whose chunks are good."""
        if oid not in self.places:
            raise MissingObject(f"object {oid} is missing or damaged")
        pack, entry = self.places[oid]
        payload = pack.payload(entry)
        if entry.codec is not Codec.LIST:
            yield codec.decompress(payload, entry, self._base)
            return
        for key, length in codec.decode_list(payload, entry.length):
            chunk = as_id(key)
            if chunk not in self.places:
                raise MissingObject(f"its chunk {chunk} is missing or damaged")
            if self.places[chunk][1].codec is Codec.LIST:
                raise IntegrityError(f"its chunk {chunk} is a list")
            piece = b"".join(self.pieces(chunk))
            if len(piece) != length:
                raise IntegrityError(f"its chunk {chunk} has the wrong length")
            yield piece

    def _base(self, key: bytes) -> bytes:
        base = as_id(key)
        if base not in self.places:
            raise MissingObject(f"its base {base} is missing or damaged")
        if self.places[base][1].codec is Codec.LIST:
            raise IntegrityError(f"its base {base} is a list")
        return self.get(base)

    def inner(self) -> Iterator[tuple[ObjectId, list[ObjectId]]]:
        """Yield each object that is made of others, with those; see `needs.Graph`."""
        for oid, (pack, entry) in (*self.places.items(), *self.torn.items()):
            if entry.codec in _COMPOSED:
                yield oid, parts_of(pack.payload(entry), entry)
            if entry.kind is Kind.TREE and oid in self.places:
                yield oid, [one.oid for one in tree.decode(self.get(oid))]

    def records(self) -> Iterator[tuple[Kind, ObjectId, bytes]]:
        """Yield the runs and events; see `needs.Graph`."""
        for oid, (_, entry) in self.places.items():
            if entry.kind in (Kind.RUN, Kind.EVENT):
                yield entry.kind, oid, self.get(oid)

    def children(self, oid: ObjectId) -> list[ObjectId]:
        """Return what a good tree names; none for anything else."""
        _, entry = self.places[oid]
        if entry.kind is not Kind.TREE:
            return []
        return [one.oid for one in tree.decode(self.get(oid))]


def _check_pack(store: Store, path: Path, advance: Callable[[int], None]) -> Iterator[Problem]:
    try:
        pack = Pack(path)
    except FileNotFoundError:
        return  # merged away by another process meanwhile; its objects are in the merged pack
    except IntegrityError as error:
        yield Problem(None, path.name, f"{error.message}; what it holds cannot be listed")
        return
    for what in check_layout(pack):
        yield Problem(None, path.name, what)
    for at in range(pack.index.count):
        oid = as_id(pack.index.key(at))
        try:
            entry = pack.index.entry(at)
            advance(entry.stored)
            check_object(pack, oid, entry)
        except IntegrityError as error:
            if oid not in store.places:
                store.bad.add(oid)
            yield Problem(oid, path.name, error.message)
            continue
        store.bad.discard(oid)
        if entry.codec not in _COMPOSED:
            store.places[oid] = (pack, entry)  # of two copies, one that needs no other
        elif oid not in store.places:
            store.places[oid] = (pack, entry)
            store.composed.append((oid, path.name))


def _check_composed(store: Store) -> Iterator[Problem]:
    """Yield the objects whose chunks or base do not give what their name says; bases are whole."""
    for oid, where in store.composed:
        if not store.whole(oid) or store.places[oid][1].codec not in _COMPOSED:
            continue
        hasher = blake3(max_threads=1)
        try:
            for piece in store.pieces(oid):
                hasher.update(piece)
            if hasher.hexdigest() == oid:
                continue
            what = f"its bytes hash to {hasher.hexdigest()}"
        except (IntegrityError, MissingObject) as error:
            what = error.message
        except RecursionError:
            what = "it is told against what is told against it"
        store.torn[oid] = store.places.pop(oid)
        store.bad.add(oid)
        yield Problem(oid, where, what)


def _check_refs(repo: Repository, store: Store, linked: set[ObjectId]) -> Iterator[Problem]:
    """Yield where refs lead to nothing; what they do lead to is added to `linked`."""
    path = repo.layout.refs
    try:
        refs = ref_files.decode(path.read_bytes(), where=str(path))
    except FileNotFoundError:
        return
    except IntegrityError as error:
        yield Problem(None, path.name, error.message)
        return
    for name, head in sorted(refs.items()):
        here: ObjectId | None = head
        while here is not None:
            if not store.whole(here):
                if here not in store.bad:
                    yield Problem(here, "refs", f"'{name}' leads to it, but it is not here")
                break
            linked.add(here)
            here = _previous(store, here)


def _in_no_chain(repo: Repository, store: Store, linked: set[ObjectId]) -> list[Stray]:
    """Return the audit entries that refs do not lead to; asked only where all else is whole."""
    stored = [oid for oid, (_, entry) in store.places.items() if entry.kind is Kind.AUDIT]
    return strays(repo, store.get, stored, linked.intersection(stored))


def _previous(store: Store, oid: ObjectId) -> ObjectId | None:
    record = canonical.decode(store.get(oid))
    prev = record.get("prev") if isinstance(record, dict) else None
    return ObjectId(prev) if isinstance(prev, str) and is_id(prev) else None


def _explained(names: Labels, store: Store, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems with what needs each object; a lost pack may have held what is missing."""
    found = needers(names, store, store.bad)
    for one in problems:
        needed_by = found.get(one.oid, []) if one.oid else []
        yield Problem(one.oid, one.where, one.what, tuple(needed_by))


def _absent(names: Labels, store: Store) -> tuple[str, ...]:
    missing = []
    for path, root in names.now:
        waiting, seen = [root], set[ObjectId]()
        while waiting:
            oid = waiting.pop()
            if oid in seen:
                continue
            seen.add(oid)
            if not store.whole(oid):
                if oid not in store.bad:
                    missing.append(f"{path} ({short(oid)})" if oid != root else path)
                    break
                continue
            waiting += store.children(oid)
    return tuple(missing)
