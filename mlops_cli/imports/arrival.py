"""What a source gives: content that is in the store now, and how the source names that version."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.data.source import Source
from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter


@dataclass(frozen=True, slots=True)
class Arrival:
    """Content that was brought, and its source as it is to be remembered.

    `size` is in bytes, over all `files`.
    """

    source: Source
    oid: ObjectId
    kind: ObjectKind
    size: int
    files: int = 1
    executable: bool = False


class Newer(Exception):
    """The source says that it has another version; it was asked for no more than that."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One bringing: where to, what was there before, and whom to tell how far it is.

    `advance` is told bytes. With `ask_only` a source that can tell without sending its content
    raises Newer instead.
    """

    repo: Repository
    writer: "PackWriter"
    before: ObjectId | None
    advance: Callable[[int], None]
    ask_only: bool = False

    def put(self, stream: "Readable", checksum: str | None = None) -> tuple[ObjectId, int]:
        """Store what a stream gives, and return its id and size.

        Raises:
            IntegrityError: it is not what `checksum` says.
        """
        tap = _Tap(stream, checksum, self.advance)
        oid, size = self.writer.put_stream(cast(BinaryIO, tap), like=self.before)
        tap.check(oid)
        return oid, size


class Readable(Protocol):
    """Bytes that come from somewhere."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none only at the end."""
        ...


class _Tap:
    """Passes bytes on, counts them, and hashes them where a checksum was demanded."""

    def __init__(
        self, source: Readable, checksum: str | None, advance: Callable[[int], None]
    ) -> None:
        self._source = source
        self._advance = advance
        self._name, _, self._wanted = (checksum or "").partition(":")
        self._hasher: Any = hashlib.sha256() if self._name == "sha256" else None

    def read(self, size: int) -> bytes:
        piece = self._source.read(size)
        if self._hasher is not None:
            self._hasher.update(piece)
        self._advance(len(piece))
        return piece

    def check(self, oid: ObjectId) -> None:
        found = oid if self._hasher is None else self._hasher.hexdigest()
        if self._wanted and found != self._wanted:
            raise IntegrityError(
                f"what came has the {self._name} {found}, not {self._wanted} as demanded",
                hint="find out who changed it before you demand another checksum",
            )
