"""Names that move: one small file, replaced whole, changed only by compare-and-swap.

The form is text: `mlo refs 1`, a line `<id> <name>` for each ref sorted by name, and a last line
`<BLAKE3 of all before it> .` that tells a damaged file from a whole one.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from mlops_cli.core.files import write_whole
from mlops_cli.core.ids import ObjectId, is_id, object_id
from mlops_cli.errors import Conflict, IntegrityError, RequestError

HEADER = "mlo refs 1\n"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
Changes = Mapping[str, tuple[ObjectId | None, ObjectId | None]]


def encode(refs: Mapping[str, ObjectId]) -> bytes:
    """Return the bytes of a refs file."""
    body = HEADER + "".join(f"{refs[name]} {name}\n" for name in sorted(refs))
    return f"{body}{object_id(body.encode())} .\n".encode()


def decode(data: bytes, *, where: str) -> dict[str, ObjectId]:
    """Return the refs that a file holds; `where` names it in errors.

    Raises:
        IntegrityError: the file was changed or cut short, or names are not allowed.
    """
    body, _, last = data.decode("utf-8", "replace").removesuffix("\n").rpartition("\n")
    body += "\n"
    if not body.startswith(HEADER) or last != f"{object_id(body.encode())} .":
        raise IntegrityError(f"the refs in '{where}' are damaged", hint="mlo fsck")
    refs: dict[str, ObjectId] = {}
    for line in body.splitlines()[1:]:
        oid, _, name = line.partition(" ")
        if not is_id(oid) or not is_name(name):
            raise IntegrityError(f"the refs in '{where}' hold the bad line '{line}'")
        refs[name] = ObjectId(oid)
    return refs


def is_name(name: str) -> bool:
    """Return whether `name` may name a ref, such as `models/churn`."""
    return bool(_NAME.fullmatch(name)) and ".." not in name and len(name) <= 200


def check_name(name: str) -> None:
    """Raise RequestError unless `name` may name a ref."""
    if not is_name(name):
        raise RequestError(f"'{name}' cannot name a ref: use letters, digits, '.', '_' and '-'")


def apply(refs: Mapping[str, ObjectId], changes: Changes) -> dict[str, ObjectId]:
    """Return `refs` after all of `changes`, each from the value it must have now to a new one.

    Raises:
        Conflict: a ref does not have the value that its change starts from.
    """
    changed = dict(refs)
    for name, (old, new) in changes.items():
        check_name(name)
        if changed.get(name) != old:
            raise Conflict(f"'{name}' was changed by somebody else", hint="try again")
        if new is None:
            changed.pop(name, None)
        else:
            changed[name] = new
    return changed


class Refs:
    """The refs of one store. Any number of processes may read; moves are one at a time."""

    def __init__(self, path: Path, lock: Callable[[], AbstractContextManager[None]]) -> None:
        """`lock` opens the store's lock, which a move holds."""
        self._path = path
        self._lock = lock

    def all(self, prefix: str = "") -> dict[str, ObjectId]:
        """Return the refs whose names begin with `prefix`, by name."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        refs = decode(data, where=str(self._path))
        return {name: oid for name, oid in refs.items() if name.startswith(prefix)}

    def get(self, name: str) -> ObjectId | None:
        """Return where a ref points, or None when there is no such ref."""
        return self.all().get(name)

    def move(self, changes: Changes) -> None:
        """Make all of `changes` or none: each `name: (old, new)`, None for no ref.

        The objects must already be in the store. Durable on return.

        Raises:
            Conflict: a ref is not at its old value any more.
        """
        with self._lock():
            changed = apply(self.all(), changes)
            write_whole(self._path, encode(changed))
