"""Content that DVC kept, put into the store: a file by its MD5, a folder by its list of files."""

import hashlib
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
        self._listed: dict[Digest, dict[str, tuple[Digest, bool]]] = {}

    def through(self, writer: "PackWriter") -> "Bringer":
        """Return the same with another writer."""
        other = Bringer(writer, self._places, known=self.known, advance=self._advance)
        other._listed = self._listed
        return other

    def bring(
        self, digest: Digest, *, like: "ObjectId | None" = None, before: Digest | None = None
    ) -> Kept:
        """Put content into the store; `like` or `before` is what it was earlier, if known.

        Raises:
            Lacking: no place has it, or some of a folder's files, whole.
            IntegrityError: a list of files has a path that leaves the folder.
        """
        if digest not in self.known:
            if digest.folder:
                self.known[digest] = self._folder(digest, before)
            else:
                earlier = self.known.get(before) if before is not None else None
                self.known[digest] = self._file(digest, earlier.oid if earlier else like)
        return self.known[digest]

    def lacks(self, digest: Digest) -> str | None:
        """Return why content could not be had; None if it seems to be there. Reads only lists."""
        if digest in self.known:
            return None
        try:
            for one, _ in self.files(digest).values() if digest.folder else ():
                if one not in self.known and (why := self.lacks(one)) is not None:
                    return f"of its files, {why}"
            with opened(self._places, digest) as streams:
                return None if next(streams, None) is not None else self._nowhere()
        except Lacking as error:
            return error.message

    def files(self, digest: Digest) -> dict[str, tuple[Digest, bool]]:
        """Return the files of a folder by path, and whether each is executable.

        Raises:
            Lacking, IntegrityError: as of `bring`.
        """
        if digest not in self._listed:
            listed = json.loads(self._read(digest, _all))
            if not isinstance(listed, list):
                raise IntegrityError(f"the list of files {digest} is none")
            self._listed[digest] = dict(_entry(digest, one) for one in listed)
        return self._listed[digest]

    def leaf(
        self, path: str, digest: Digest, *, executable: bool, before: Digest | None = None
    ) -> Leaf:
        """Put a file of a folder into the store."""
        listing.check(path)
        kept = self.bring(digest, before=before)
        return Leaf(kept.oid, kept.size, tree.Mode.EXECUTABLE if executable else tree.Mode.FILE)

    def learn(self, digest: Digest, listed: bytes) -> None:
        """Take a list of files, unless it is not the one that is meant."""
        if hashlib.md5(listed, usedforsecurity=False).hexdigest() == digest.hex:
            self._listed[digest] = dict(_entry(digest, one) for one in json.loads(listed))

    def _file(self, digest: Digest, like: "ObjectId | None") -> Kept:
        oid, size = self._read(
            digest,
            lambda stream: self._writer.put_stream(cast(BinaryIO, stream), like=like),
        )
        self._advance(size)
        return Kept(oid, "file", size, 1)

    def _folder(self, digest: Digest, before: Digest | None) -> Kept:
        earlier = self._listed.get(before, {}) if before is not None else {}
        leaves: dict[str, Leaf] = {}
        lacking: list[str] = []
        for path, (one, executable) in self.files(digest).items():
            try:
                was = earlier.get(path)
                leaves[path] = self.leaf(
                    path, one, executable=executable, before=was[0] if was else None
                )
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
        raise Lacking(self._nowhere())

    def _nowhere(self) -> str:
        return "it is not in " + (" or ".join(place.name for place in self._places) or "any place")


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
