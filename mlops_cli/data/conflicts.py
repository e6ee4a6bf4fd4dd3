"""What git merges left open in versioned data: `.mlo/conflicts`, JSON, gone when all is settled.

It is kept by path of the data: the pointers of both sides and of where they part, the id that
the pointer has until the conflicts are settled, which of them are open, and where theirs was
taken. A damaged file counts as none: git still has the pointer as unmerged, which is enough to
merge again.
"""

from collections.abc import Mapping
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.files import write_whole
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import pointer
from mlops_cli.data.merge import Conflict
from mlops_cli.data.pointer import Pointer
from mlops_cli.errors import MloError


@dataclass(frozen=True, slots=True)
class Conflicted:
    """One pointer that both sides changed in the same place.

    Attributes:
        base: the version that both come from; None when both made it anew.
        kept: the id in the pointer as it is now, which has ours where conflicts are open.
        open: the conflicts that nobody has settled.
        taken: the paths of those settled by taking theirs.
    """

    base: Pointer | None
    ours: Pointer
    theirs: Pointer
    kept: ObjectId
    open: tuple[Conflict, ...]
    taken: tuple[str, ...] = ()


def read(repo: Repository) -> dict[str, Conflicted]:
    """Return what is open by the path of the data."""
    try:
        held = canonical.decode(repo.layout.conflicts.read_bytes())
        return {path: _conflicted(path, one) for path, one in held.items()}
    except FileNotFoundError:
        return {}
    except (MloError, AttributeError, KeyError, TypeError, ValueError):
        return {}


def unsettled(repo: Repository) -> dict[str, tuple[str, ...]]:
    """Return the paths that conflict and that nobody settled, by the path of the data."""
    from mlops_cli.core import git_index
    from mlops_cli.data.merge_pointer import WHOLE

    noted = {path: one for path, one in read(repo).items() if one.open}
    if not noted or git_index.operation(git_index.top_of(repo.root)) is None:
        return {}
    found = {}
    for path, one in sorted(noted.items()):
        now = pointer.read(repo, path)
        if now is not None and now.oid == one.kept:
            found[path] = tuple(
                path if each.path == WHOLE else f"{path}/{each.path}" for each in one.open
            )
    return found


def write(repo: Repository, held: Mapping[str, Conflicted]) -> None:
    """Replace what is open."""
    file = repo.layout.conflicts
    if held:
        write_whole(file, canonical.encode({path: _plain(one) for path, one in held.items()}))
    else:
        file.unlink(missing_ok=True)


def note(repo: Repository, path: str, one: Conflicted | None) -> None:
    """Note what is open at one path; None for nothing."""
    with repo.lock("note what a merge left open"):
        held = {other: kept for other, kept in read(repo).items() if other != path}
        write(repo, held if one is None else {**held, path: one})


def _plain(one: Conflicted) -> dict[str, Any]:
    return {
        "base": None if one.base is None else pointer.encode(one.base).decode(),
        "ours": pointer.encode(one.ours).decode(),
        "theirs": pointer.encode(one.theirs).decode(),
        "kept": one.kept,
        "open": [[conflict.path, conflict.ours, conflict.theirs] for conflict in one.open],
        "taken": list(one.taken),
    }


def _conflicted(path: str, held: Mapping[str, Any]) -> Conflicted:
    base = held["base"]
    return Conflicted(
        None if base is None else pointer.decode(base.encode(), path),
        pointer.decode(held["ours"].encode(), path),
        pointer.decode(held["theirs"].encode(), path),
        ObjectId(held["kept"]),
        tuple(Conflict(*one) for one in held["open"]),
        tuple(held["taken"]),
    )
