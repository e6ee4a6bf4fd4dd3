"""A folder made of files that come one by one, each with its path within."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.data import paths
from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

_NAME_MAX_BYTES = 255


@dataclass(frozen=True, slots=True)
class Leaf:
    """One file of a folder that is in the store."""

    oid: ObjectId
    size: int
    mode: tree.Mode = tree.Mode.FILE


@dataclass(slots=True)
class _Folder:
    leaves: dict[str, Leaf] = field(default_factory=dict)
    below: "dict[str, _Folder]" = field(default_factory=dict)


def check(path: str) -> None:
    """Raise IntegrityError unless `path` may be that of a file in a folder that is versioned."""
    paths.check(path)
    if any(
        len(name.encode("utf-8", "surrogateescape")) > _NAME_MAX_BYTES for name in path.split("/")
    ):
        raise IntegrityError(f"the name '{path[:40]}...' is too long for a file")


def put(writer: "PackWriter", leaves: Mapping[str, Leaf]) -> tuple[ObjectId, int]:
    """Store the trees of a folder that holds these files, by path; return its id and its bytes.

    Raises:
        IntegrityError: a path leaves the folder, or is that of a file and of a folder.
    """
    top = _Folder()
    for path, leaf in leaves.items():
        check(path)
        here = top
        *above, name = path.split("/")
        for part in above:
            if part in here.leaves:
                raise _twice(path)
            here = here.below.setdefault(part, _Folder())
        if name in here.below:
            raise _twice(path)
        here.leaves[name] = leaf
    return _put(writer, top)


def _put(writer: "PackWriter", folder: _Folder) -> tuple[ObjectId, int]:
    entries = [
        tree.Entry(name, leaf.mode, leaf.size, leaf.oid) for name, leaf in folder.leaves.items()
    ]
    for name, below in folder.below.items():
        oid, size = _put(writer, below)
        entries.append(tree.Entry(name, tree.Mode.FOLDER, size, oid))
    return writer.put(tree.encode(entries), Kind.TREE), sum(entry.size for entry in entries)


def _twice(path: str) -> IntegrityError:
    return IntegrityError(f"'{path}' is listed as a file and as a folder")
