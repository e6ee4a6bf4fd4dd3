"""The one file of a remote that changes: which packs it has, and where its refs point.

It names the packs so that nobody has to list them (slow on an object store, impossible over
plain HTTP), and so that a pack is there for others only when all of it is. `docs/design/format.md`
specifies it.
"""

import re
from collections.abc import Mapping

from blake3 import blake3

from mlops_cli.core import refs
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.packs import ENTRY_BYTES, TRAILER_BYTES
from mlops_cli.core.records import dataclass, field
from mlops_cli.errors import IntegrityError, StateError
from mlops_cli.remotes.transport import MOST_WHOLE

KEY = "state"
"""What the file is called on a remote."""

_HEADER = "mlo remote 1"
_MOST_BYTES = MOST_WHOLE - MOST_WHOLE // 32
"""So that it can be read whole, also when it is encrypted."""

_PACK = re.compile(r"pack ([0-9a-f]{64}) ([0-9]{1,18}) ([0-9]{1,12})")
_REF = re.compile(r"ref ([0-9a-f]{64}) (.+)")


@dataclass(frozen=True, slots=True)
class Held:
    """One pack of a remote: its size in bytes, and how many objects are in it."""

    size: int
    objects: int

    @property
    def tail(self) -> int:
        """How many bytes index and trailer take at its end."""
        return self.objects * ENTRY_BYTES + TRAILER_BYTES


@dataclass(frozen=True, slots=True)
class State:
    """What a remote holds: packs by name, refs by name."""

    packs: Mapping[str, Held] = field(default_factory=dict)
    refs: Mapping[str, ObjectId] = field(default_factory=dict)


def encode(state: State) -> bytes:
    """Return the bytes of the file.

    Raises:
        StateError: it names so many packs that nobody could read it.
    """
    lines = [_HEADER]
    lines += [f"pack {name} {one.size} {one.objects}" for name, one in sorted(state.packs.items())]
    lines += [f"ref {oid} {name}" for name, oid in sorted(state.refs.items())]
    body = "".join(line + "\n" for line in lines).encode()
    if len(body) > _MOST_BYTES:
        raise StateError(
            f"the remote would hold {len(state.packs):,} packs, more than can be told of",
            hint="push to a new remote, whose packs are fuller",
        )
    return body + f"{blake3(body).hexdigest()} .\n".encode()


def decode(raw: bytes, *, where: str) -> State:
    """Return what the file says.

    Raises:
        StateError: it is of a newer mlo, or no remote's.
        IntegrityError: it was changed or is cut short.
    """
    if raw.startswith(b"mlo encrypted "):
        raise StateError(
            f"'{where}' is encrypted, and the settings name no key",
            hint="give the remote `encryption` in .mlops.yaml: key_file or key_env",
        )
    if not raw.startswith(b"mlo remote "):
        raise StateError(f"'{where}' is not a remote of mlo's", hint="name an empty place")
    if not raw.startswith(f"{_HEADER}\n".encode()):
        raise StateError(f"'{where}' has a format unknown here", hint="use a newer mlo")
    body, _, last = raw.rstrip(b"\n").rpartition(b"\n")
    body += b"\n"
    if last != f"{blake3(body).hexdigest()} .".encode():
        raise _damaged(where)
    packs: dict[str, Held] = {}
    found: dict[str, ObjectId] = {}
    for line in body.decode(errors="replace").splitlines()[1:]:
        if pack := _PACK.fullmatch(line):
            packs[pack[1]] = _held(int(pack[2]), int(pack[3]), where)
        elif (ref := _REF.fullmatch(line)) and refs.is_name(ref[2]):
            found[ref[2]] = ObjectId(ref[1])
        else:
            raise _damaged(where)
    return State(packs, found)


def _held(size: int, objects: int, where: str) -> Held:
    held = Held(size, objects)
    if held.tail > size:
        raise _damaged(where)
    return held


def _damaged(where: str) -> IntegrityError:
    return IntegrityError(
        f"'{where}' is damaged", hint="put back an older copy of it, then push from a whole clone"
    )
