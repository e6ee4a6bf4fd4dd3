"""Fetch: records of all that happened, then the content that is asked for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from blake3 import blake3

from mlops_cli.core import canonical, codec, delta, tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.packs import Codec, Entry, Kind, as_id
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, MissingObject, StateError
from mlops_cli.remotes.catalogue import Place
from mlops_cli.remotes.errand import planned
from mlops_cli.remotes.history import Relation, relation
from mlops_cli.remotes.lost import lost_told
from mlops_cli.remotes.remote import Remote, Seen
from mlops_cli.remotes.spans import Span, spans
from mlops_cli.remotes.whole_packs import take

_AT_ONCE = 4
"""How many reads are under way at once."""

RECORDS = (Kind.TREE, Kind.RUN, Kind.EVENT, Kind.AUDIT)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought.

    Attributes:
        moved: refs that moved forward here.
        diverged: refs that have records here and others there, with where they point there.
        empty: whether the remote holds nothing at all yet.
    """

    remote: str
    objects: int = 0
    bytes: int = 0
    moved: tuple[str, ...] = ()
    diverged: dict[str, ObjectId] = field(default_factory=dict)
    empty: bool = False


def look(remote: Remote) -> Seen:
    """Take in what the remote holds now; return what it said."""
    seen = remote.read()
    with lost_told(remote):
        remote.catalogue.refresh(remote.transport, seen.state.packs)
    return seen


def records(
    repo: Repository, remote: Remote, *, trees: bool = True, progress: Progress = SILENT
) -> Fetched:
    """Bring all runs, events, audit entries and, with `trees`, trees; then move refs here forward.

    Raises:
        IntegrityError: the remote holds bytes that are not what their name says.
    """
    seen = look(remote)
    there = seen.state.refs
    kinds = RECORDS if trees else (Kind.RUN, Kind.EVENT, Kind.AUDIT)
    wanted = [oid for kind in kinds for oid in remote.catalogue.each(kind)]
    objects, got = _bring(repo, remote, wanted, progress)
    moved, diverged = _merge_refs(repo, there, remote.vet)
    if there:
        remote.remember(there)
    return Fetched(remote.name, objects, got, moved, diverged, empty=seen.raw is None)


def content(
    repo: Repository,
    remote: Remote,
    roots: Iterable[ObjectId] | None,
    *,
    progress: Progress = SILENT,
) -> Fetched:
    """Bring the content of `roots`, files or trees; with None, all that the remote has.

    Call `records` or `look` first, to know what the remote holds.

    Raises:
        MissingObject: a root is neither here nor there.
        IntegrityError: the remote holds bytes that are not what their name says.
    """
    if roots is None:
        wanted = {oid for kind in Kind for oid in remote.catalogue.each(kind)}
        trees, got_trees = 0, 0
    else:
        chosen = set(roots)
        for root in chosen:
            _require(repo, remote, root)
        wanted, far = _files_of(repo, chosen)
        trees, got_trees = _bring_trees(repo, remote, far, progress)
        wanted |= _files_of(repo, far)[0]
    objects, got = _bring(repo, remote, wanted, progress)
    return Fetched(remote.name, trees + objects, got_trees + got)


def one(repo: Repository, remote: Remote, oid: ObjectId) -> bool:
    """Bring a single object, such as the tree on the way to a file; return whether it is there."""
    if not remote.catalogue.has(oid):
        return False
    _bring(repo, remote, [oid], SILENT)
    return True


def _require(repo: Repository, remote: Remote, root: ObjectId) -> None:
    if repo.objects.has(root) or remote.catalogue.has(root):
        return
    empty = "" if remote.catalogue.indexes else ", which holds nothing yet"
    raise MissingObject(
        f"object {root} is neither here nor on '{remote.name}'{empty}",
        hint="push it from where it was made, or fetch from another remote",
        oid=root,
    )


def _bring_trees(
    repo: Repository, remote: Remote, roots: set[ObjectId], progress: Progress
) -> tuple[int, int]:
    """Bring the trees below `roots` that are not here, a level of folders at a time."""
    objects = got = 0
    level, seen = set(roots), set(roots)
    while level:
        brought = _bring(repo, remote, level, progress)
        objects, got = objects + brought[0], got + brought[1]
        below = {
            entry.oid
            for oid in level
            if repo.objects.has(oid) and repo.objects.kind(oid) is Kind.TREE
            for entry in tree.decode(repo.objects.get(oid))
            if entry.mode is tree.Mode.FOLDER
        }
        level = below - seen
        seen |= below
    return objects, got


def _files_of(repo: Repository, roots: Iterable[ObjectId]) -> tuple[set[ObjectId], set[ObjectId]]:
    """Return the files that roots are or hold, and the roots of which not all trees are here."""
    files: set[ObjectId] = set()
    far: set[ObjectId] = set()
    for root in roots:
        try:
            if repo.objects.kind(root) is not Kind.TREE:
                files.add(root)
                continue
            for entries in tree.below(repo.objects, root).values():
                files.update(one.oid for one in entries if one.mode is not tree.Mode.FOLDER)
        except MissingObject:
            far.add(root)
    return files, far


def _bring(
    repo: Repository, remote: Remote, wanted: Iterable[ObjectId], progress: Progress
) -> tuple[int, int]:
    """Copy objects that are not here; none is ever here without what it is made of."""
    plan = planned(repo.objects, remote.catalogue, wanted)
    places = plan.places
    brought = dict(places)
    total = plan.stored + sum(place.entry.stored for place in places.values())
    if not plan.packs and not places:
        return 0, 0
    task = progress.task(f"fetching from {remote.name}", total, "B")
    with lost_told(remote), task as advance:
        _take_packs(repo, remote, plan.packs, advance)
        lists: list[_Composed] = []
        deltas: list[_Composed] = []
        with repo.objects.writer() as writer:
            for composed in _download(remote, places, writer, advance):
                (lists if composed.entry.codec is Codec.LIST else deltas).append(composed)
            chunks = _places(repo, remote, {need for one in lists for need in one.needs()})
            chunks = {oid: place for oid, place in chunks.items() if oid not in places}
            deltas += _download(remote, chunks, writer, advance)
            brought.update(chunks)
            told = deltas
            while told:
                needed = {need for one in told for need in one.needs()}
                bases = {
                    o: at for o, at in _places(repo, remote, needed).items() if o not in brought
                }
                brought.update(bases)
                told = list(_download(remote, bases, writer, advance))
                deltas += told
        _put_told(repo, remote, deltas)
        _put_composed(repo, remote, lists)
    stored = plan.stored + sum(place.entry.stored for place in brought.values())
    return plan.objects + len(brought), stored


@dataclass(frozen=True, slots=True)
class _Composed:
    """A list or delta that was read, and is kept once all it needs is here."""

    oid: ObjectId
    entry: Entry
    payload: bytes

    def needs(self) -> list[ObjectId]:
        if self.entry.codec is Codec.DELTA:
            return [as_id(delta.base_of(self.payload))]
        listed = codec.decode_list(self.payload, self.entry.length)
        return [as_id(key) for key, _ in listed]


def _places(repo: Repository, remote: Remote, wanted: Iterable[ObjectId]) -> dict[ObjectId, Place]:
    places: dict[ObjectId, Place] = {}
    for oid in wanted:
        if oid not in places and not repo.objects.has(oid):
            place = remote.catalogue.find(oid)
            if place is not None:
                places[oid] = place
    return places


def _take_packs(
    repo: Repository, remote: Remote, names: Sequence[str], advance: Callable[[int], None]
) -> None:
    check = partial(_check, remote)
    for name in names:
        size = remote.catalogue.sizes[name]
        take(repo, remote.transport, name, size, check=check, advance=advance)
    if names:
        repo.objects.refresh()


def _download(
    remote: Remote,
    places: dict[ObjectId, Place],
    writer: PackWriter,
    advance: Callable[[int], None],
) -> Iterator[_Composed]:
    """Copy objects by ranges of their packs; yield those made of others, not copied yet."""
    wanted = ((bytes.fromhex(oid), place) for oid, place in places.items())
    for span, data in _read_ahead(remote, spans(wanted)):
        for key, place in span.places:
            oid, entry = as_id(key), place.entry
            payload = span.payload(data, place)
            advance(entry.stored)
            if entry.codec in (Codec.LIST, Codec.DELTA):
                yield _Composed(oid, entry, payload)
                continue
            _check(remote, oid, entry.kind, codec.decompress(payload, entry, _no_base))
            writer.put_stored(oid, entry, payload)


def _read_ahead(remote: Remote, spans: Sequence[Span]) -> Iterator[tuple[Span, bytes]]:
    """Yield each span with its bytes, a few reads being under way at once."""

    def read(span: Span) -> tuple[Span, bytes]:
        return span, remote.transport.read(span.key, span.start, span.length)

    if len(spans) < 2:
        yield from map(read, spans)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting: deque[Future[tuple[Span, bytes]]] = deque()
        try:
            for span in spans:
                waiting.append(pool.submit(read, span))
                if len(waiting) >= _AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _no_base(_: bytes) -> bytes:
    raise AssertionError("only a delta asks for its base")


def _put_told(repo: Repository, remote: Remote, deltas: Iterable[_Composed]) -> None:
    """Keep deltas, each after what it is told against, which may be one of them."""
    waiting = {one.oid: one for one in deltas}
    while waiting:
        ready = [one for one in waiting.values() if waiting.keys().isdisjoint(one.needs())]
        if not ready:
            raise _damaged(remote, next(iter(waiting)), "it is told against itself")
        _put_composed(repo, remote, ready)
        for one in ready:
            del waiting[one.oid]


def _put_composed(repo: Repository, remote: Remote, composed: Iterable[_Composed]) -> None:
    """Keep lists or deltas whose parts are here, after making sure of what they give."""
    with repo.objects.writer() as writer:
        for one in composed:
            if one.entry.codec is Codec.LIST:
                _check_list(repo, remote, one)
            else:
                content = codec.decompress(one.payload, one.entry, repo.objects.base)
                _check(remote, one.oid, one.entry.kind, content)
            writer.put_stored(one.oid, one.entry, one.payload)


def _check_list(repo: Repository, remote: Remote, one: _Composed) -> None:
    """Refuse a list that does not give what its name says: once here, it would be believed."""
    pieces = []
    hasher = blake3(max_threads=1)
    for chunk in one.needs():
        if not repo.objects.has(chunk):
            raise MissingObject(
                f"object {one.oid} on the remote '{remote.name}' lacks a chunk",
                hint="push it again from where it was made",
            )
        if repo.objects.stored(chunk)[1].codec is Codec.LIST:
            raise _damaged(remote, one.oid, "a chunk of it is a list")
        piece = repo.objects.get(chunk)
        hasher.update(piece)
        if one.entry.kind in RECORDS:
            pieces.append(piece)
    if hasher.hexdigest() != one.oid:
        raise _damaged(remote, one.oid, f"its bytes hash to {hasher.hexdigest()}")
    _check_form(remote, one.oid, one.entry.kind, b"".join(pieces))


def _check(remote: Remote, oid: ObjectId, kind: Kind, content: bytes) -> None:
    found = blake3(content).hexdigest()
    if found != oid:
        raise _damaged(remote, oid, f"its bytes hash to {found}")
    _check_form(remote, oid, kind, content)


def _check_form(remote: Remote, oid: ObjectId, kind: Kind, content: bytes) -> None:
    """Refuse a tree or record that nobody could read."""
    try:
        if kind is Kind.TREE:
            tree.decode(content)
        elif kind in RECORDS and not isinstance(canonical.decode(content), dict):
            raise IntegrityError("a record must be a mapping")
        if kind in remote.readers:
            remote.readers[kind](oid, content)
    except (IntegrityError, StateError) as error:
        raise _damaged(remote, oid, error.message) from error


def _damaged(remote: Remote, oid: ObjectId, why: str) -> IntegrityError:
    return IntegrityError(
        f"object {oid} on the remote '{remote.name}' is damaged: {why}",
        hint="push it again from a clone that has it whole, to a remote that is whole",
    )


def _merge_refs(
    repo: Repository, there: Mapping[str, ObjectId], vet: Callable[[str, ObjectId], None]
) -> tuple[tuple[str, ...], dict[str, ObjectId]]:
    moved: dict[str, tuple[ObjectId | None, ObjectId | None]] = {}
    diverged: dict[str, ObjectId] = {}
    with repo.lock("fetch"):
        here = repo.refs.all()
        for name, new in there.items():
            old = here.get(name)
            stands = relation(repo.objects, new, old)
            if stands in (Relation.AHEAD, Relation.DIVERGED):
                if not repo.objects.has(new):
                    raise IntegrityError(
                        f"'{name}' on the remote points to object {new}, which is not there",
                        hint="push it again from where it was made",
                    )
                vet(name, new)
            if stands is Relation.AHEAD:
                moved[name] = (old, new)
            elif stands is Relation.DIVERGED:
                diverged[name] = new
        if moved:
            repo.refs.move(moved)
    return tuple(sorted(moved)), diverged
