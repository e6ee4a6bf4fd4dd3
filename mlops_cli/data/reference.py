"""What `PATH` or `PATH@REV` stands for: a version of data, of a part of it, or of an output.

A path without a revision is looked up in the work tree's pointers, then in its `mlo.lock`; with
one, in those of that git revision. `@` may also be a letter of a path: a path that is versioned
as it is written comes first.
"""

from pathlib import Path

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.objects import Kind
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import locked, paths, pointer
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.errors import RequestError

MIN_DIGITS = 10
"""As many as tables show of an id; fewer are taken for a path."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One version of one path.

    Attributes:
        path: relative to the project's root.
        rev: the git revision as it was typed; None for the work tree's pointers.
        held_by: the path whose version this is a part of; equal to `path` for a whole version.
        link: whether the content is a symbolic link's target.
    """

    path: str
    rev: str | None
    oid: ObjectId
    kind: ObjectKind
    held_by: str
    executable: bool = False
    link: bool = False


def resolve(repo: Repository, text: str, *, start: Path | None = None) -> Reference:
    """Return what a reference stands for; `start` is the folder that its path starts from.

    Raises:
        RequestError: it names nothing that is versioned, or no revision of git.
        MissingObject: it names a part of a folder whose listing is not in this store.
    """
    base = repo.root if start is None else start
    kept = paths.relative(repo, base / text)
    found = look_up(repo, kept, None)
    if found is not None:
        return found
    path, rev = split(text)
    if rev is None:
        raise unknown(repo, kept)
    kept = paths.relative(repo, base / path)
    found = look_up(repo, kept, rev)
    if found is None:
        raise RequestError(
            f"'{kept}' is not versioned at '{rev}'", hint=f"list its versions: mlo log {kept}"
        )
    return found


def by_id(repo: Repository, text: str) -> Reference | None:
    """Return the content whose id begins with `text`, at least 10 hex digits; None for none.

    For a folder, `/` and a path within may follow. A file may be stored as the one chunk that it
    is: such an id has to be whole, for other chunks are parts of files.
    """
    digits = text.partition("/")[0]
    if len(digits) < MIN_DIGITS or not set(digits) <= set("0123456789abcdef"):
        return None
    kinds: dict[Kind, ObjectKind] = {Kind.BLOB: "file", Kind.TREE: "folder"}
    if is_id(digits):
        kinds[Kind.CHUNK] = "file"
    found = [oid for oid in repo.objects.find(digits) if repo.objects.kind(oid) in kinds]
    if len(found) != 1:
        return None
    kind = kinds[repo.objects.kind(found[0])]
    return part(repo, Reference(digits, None, found[0], kind, digits), text)


def everything(repo: Repository, rev: str | None = None) -> list[Reference]:
    """Return the versions of all that has a pointer or is an output in `mlo.lock`, by path.

    Raises:
        RequestError: a pointer or the lock file is malformed, or there is no such revision.
        IntegrityError: a pointer's path leaves the project.
    """
    pointers = pointer.each(repo) if rev is None else pointer.each_at(repo, rev)
    found = {
        one.path: Reference(one.path, rev, one.oid, one.kind, one.path, one.executable)
        for one in pointers
    }
    for path, out in locked.outputs(repo, rev).items():
        found.setdefault(path, Reference(path, rev, out.oid, out.kind, path))
    return [found[path] for path in sorted(found)]


def split(text: str) -> tuple[str, str | None]:
    """Return the path and the revision of a reference.

    >>> split("data/raw.csv@v1.0"), split("data/raw.csv@main@{1}"), split("data/raw.csv")
    (('data/raw.csv', 'v1.0'), ('data/raw.csv', 'main@{1}'), ('data/raw.csv', None))
    """
    at = text.rfind("@")
    if text[at + 1 : at + 2] == "{":
        at = text.rfind("@", 0, at)
    if at <= 0 or at == len(text) - 1:
        return text, None
    return text[:at], text[at + 1 :]


def unknown(repo: Repository, path: str) -> RequestError:
    """Return the error that says that nothing is known of a path, and what to type."""
    from mlops_cli.core import git

    above = pointer.holder(repo, path)
    if above is not None:
        return RequestError(
            f"there is no '{path}' in this version of '{above.path}'",
            hint=f"look into another: {path}@REV, or take in what is new: mlo add {above.path}",
        )
    if path in git.is_tracked(repo.root, [path]):
        return RequestError(f"'{path}' is kept by git, not by mlo", hint=f"git log -- {path}")
    if (repo.root / path).exists():
        return RequestError(f"'{path}' is not versioned", hint=f"mlo add {path}")
    return RequestError(
        f"'{path}' is not versioned, and there is nothing there", hint=_instead(repo, path)
    )


def _instead(repo: Repository, path: str) -> str:
    """Return what is versioned that may have been meant."""
    from difflib import get_close_matches

    known = [one.path for one in pointer.each(repo)]
    near = get_close_matches(path, known, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    if not known:
        return "mlo add PATH, for nothing is versioned yet"
    more = f", and {len(known) - _SHOWN:,} more" if len(known) > _SHOWN else ""
    return f"name what is versioned: {', '.join(known[:_SHOWN])}{more}"


_SHOWN = 4


def look_up(repo: Repository, path: str, rev: str | None) -> Reference | None:
    """Return the version of `path`, or of the part of a version that it is; None for none."""
    whole = holder(repo, path, rev)
    return None if whole is None else part(repo, whole, path)


def holder(repo: Repository, path: str, rev: str | None) -> Reference | None:
    """Return the version that is `path`, or that holds it as a part; asks no store."""
    names = _with_those_above(path)
    for held_by in names:
        found = pointer.at(repo, held_by, rev)
        if found is not None:
            return Reference(held_by, rev, found.oid, found.kind, held_by, found.executable)
    outputs = locked.outputs(repo, rev)
    for held_by in names:
        out = outputs.get(held_by)
        if out is not None:
            return Reference(held_by, rev, out.oid, out.kind, held_by)
    return None


def _with_those_above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def part(repo: Repository, whole: Reference, path: str) -> Reference | None:
    """Return the version of `path`, which `whole` is or may hold; None if it does not.

    Raises:
        MissingObject: the listing of a folder on the way is not in this store.
    """
    if whole.path == path:
        return whole
    if whole.kind == "file":
        return None
    here = whole.oid
    inner = path[len(whole.path) + 1 :].split("/")
    for depth, name in enumerate(inner):
        entry = next((one for one in tree.decode(repo.objects.get(here)) if one.name == name), None)
        if entry is None:
            return None
        last = depth == len(inner) - 1
        if last:
            return Reference(
                path,
                whole.rev,
                entry.oid,
                "folder" if entry.mode is tree.Mode.FOLDER else "file",
                whole.path,
                entry.mode is tree.Mode.EXECUTABLE,
                entry.mode is tree.Mode.SYMLINK,
            )
        if entry.mode is not tree.Mode.FOLDER:
            return None
        here = entry.oid
    return None
