"""What a remote must be able to do: a few operations on named bytes."""

from pathlib import Path
from typing import Protocol

from mlops_cli.errors import IntegrityError, StateError

MOST_WHOLE = 32 * 1024 * 1024
"""No key is read whole that has more bytes: only `state` is, and 300,000 packs fit into that."""


class MissingKey(StateError):
    """The remote has nothing of that name."""


class Transport(Protocol):
    """Named bytes elsewhere. Keys are relative POSIX paths such as `packs/ab12.pack`.

    Any number of clients may use one remote at once. Every method raises ExternalError when
    the remote cannot be reached or refuses.
    """

    url: str

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `start`, to the end when None.

        Raises:
            MissingKey: there is nothing of that name.
            IntegrityError: it was to be read whole and has more than `MOST_WHOLE` bytes; no more
                than these were taken into memory.
        """

    def size(self, key: str) -> int:
        """Return the size in bytes.

        Raises:
            MissingKey: there is nothing of that name.
        """

    def write_new(self, key: str, source: Path | bytes) -> None:
        """Store a file's bytes, or these, durably; nobody ever sees half of them.

        Bytes that are already there under this key are left as they are: keys that are written
        this way are named by their content.
        """

    def list(self, prefix: str) -> list[str]:
        """Return the keys that begin with `prefix`, a folder ending in a slash, sorted."""

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        """Replace `old` (None: nothing there) by `new`, durably; of two at once one wins.

        Raises:
            Conflict: the key does not hold `old`; nothing was changed.
        """


def too_large(key: str, url: str) -> IntegrityError:
    """Return the error of a key that is too large to be read whole."""
    return IntegrityError(
        f"'{key}' on the remote '{url}' is larger than {MOST_WHOLE >> 20} MiB",
        hint="see what wrote it, and put back an older copy",
    )
