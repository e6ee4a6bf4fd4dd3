"""Content that DVC kept, put into the store: a file by its MD5, a folder by its list of files."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from mlops_cli.core import tree
from mlops_cli.data.dvc_files import Digest
from mlops_cli.data.dvc_history import Kept
from mlops_cli.errors import IntegrityError, MissingObject
from mlops_cli.imports import listing
from mlops_cli.imports.arrival import Readable
from mlops_cli.imports.dvc_places import Place, opened
from mlops_cli.imports.listing import Leaf

if TYPE_CHECKING:
    from mlops_cli.core.ids import ObjectId
    from mlops_cli.core.pack_writer import PackWriter


class Lacking(MissingObject):
    """No place has the content whole."""


class Bringer:
    """Takes content from the first place that has it whole; what was taken is not read again."""

    def __init__(
        self,
        writer: "PackWriter",
        places: Sequence[Place],
        *,
        known: dict[Digest, Kept] | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take content from `places`, in their order; `known` is in the store already."""
        self._writer = writer
        self._places = places
        self._advance = advance
        self.known: dict[Digest, Kept] = {} if known is None else known

    def bring(self, digest: Digest, *, like: "ObjectId | None" = None) -> Kept:
        """Put content into the store.

        Raises:
            Lacking: no place has it, or some of a folder's files, whole.
            IntegrityError: a list of files has a path that leaves the folder.
        """
        if digest not in self.known:
            self.known[digest] = self._folder(digest) if digest.folder else self._file(digest, like)
        return self.known[digest]

    def files(self, digest: Digest) -> dict[str, tuple[Digest, bool]]:
        """Return the files of a folder by path, and whether each is executable.

        Raises:
            Lacking, IntegrityError: as of `bring`.
        """
        listed = json.loads(self._read(digest, lambda stream: _all(stream)))
        if not isinstance(listed, list):
            raise IntegrityError(f"the list of files {digest} is none")
        return dict(_entry(digest, one) for one in listed)

    def leaf(self, path: str, digest: Digest, executable: bool) -> Leaf:  # noqa: FBT001 as DVC has it
        """Put a file of a folder into the store."""
        listing.check(path)
        kept = self.bring(digest)
        return Leaf(kept.oid, kept.size, tree.Mode.EXECUTABLE if executable else tree.Mode.FILE)

    def _file(self, digest: Digest, like: "ObjectId | None") -> Kept:
        oid, size = self._read(
            digest,
            lambda stream: self._writer.put_stream(cast(BinaryIO, stream), like=like),
        )
        self._advance(size)
        return Kept(oid, "file", size, 1)

    def _folder(self, digest: Digest) -> Kept:
        leaves: dict[str, Leaf] = {}
        lacking: list[str] = []
        for path, (one, executable) in self.files(digest).items():
            try:
                leaves[path] = self.leaf(path, one, executable)
            except Lacking:
                lacking.append(path)
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise Lacking(f"of its files '{lacking[0]}'{more} are nowhere")
        oid, size = listing.put(self._writer, leaves)
        return Kept(oid, "folder", size, len(leaves))

    def _read(self, digest: Digest, use: Callable[[Readable], Any]) -> Any:
        """Return what `use` makes of the first stream that gives the content whole."""
        damaged: IntegrityError | None = None
        with opened(self._places, digest) as streams:
            for stream in streams:
                try:
                    return use(stream)
                except IntegrityError as error:
                    damaged = error
        if damaged is not None:
            raise Lacking(damaged.message)
        where = " or ".join(place.name for place in self._places) or "no cache or remote to look in"
        raise Lacking(f"it is not in {where}")


def _all(stream: Readable) -> bytes:
    pieces: list[bytes] = []
    while piece := stream.read(1024 * 1024):
        pieces.append(piece)
    return b"".join(pieces)


def _entry(folder: Digest, entry: Any) -> tuple[str, tuple[Digest, bool]]:
    try:
        path, digits = entry["relpath"], entry["md5"]
        if not isinstance(path, str) or len(bytes.fromhex(digits)) != 16:
            raise ValueError(path)
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the list of files {folder} is malformed") from error
    return path, (Digest(folder.name, digits), entry.get("isexec") is True)
