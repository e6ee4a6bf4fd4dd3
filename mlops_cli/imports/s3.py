"""An object, or all objects below a prefix, of a bucket of S3 or its kin."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlops_cli.data.source import Source
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.imports import listing
from mlops_cli.imports.arrival import Arrival, Errand, Newer, Readable
from mlops_cli.imports.listing import Leaf
from mlops_cli.remotes.s3 import S3Transport
from mlops_cli.remotes.transport import MissingKey

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_PART_BYTES = 8 * 1024 * 1024


def bring(
    source: Source, errand: Errand, *, environment: Mapping[str, str] = os.environ
) -> Arrival | None:
    """Bring the object of a URL, or the folder of all below it; None if it is as it was.

    Raises:
        RequestError: there is nothing.
        ExternalError: the server cannot be reached, or refuses.
        IntegrityError: it is not what the checksum says, or a name cannot be that of a file.
    """
    folder, _, name = source.url.rstrip("/").rpartition("/")
    if name and folder != "s3:/" and not source.url.endswith("/"):
        bucket = S3Transport(folder, environment)
        found = _head(bucket, name)
        if found is not None:
            return _object(source, errand, bucket, name, found)
    return _prefix(source, errand, S3Transport(source.url.rstrip("/"), environment))


def open_key(
    url: str, key: str, environment: Mapping[str, str]
) -> "AbstractContextManager[Readable] | None":
    """Open an object below a URL; None when there is none."""
    bucket = S3Transport(url, environment)
    found = _head(bucket, key)
    return None if found is None else _stream(bucket, key, found["size"])


def _object(
    source: Source, errand: Errand, bucket: S3Transport, name: str, found: Any
) -> Arrival | None:
    etag, modified = found["e_tag"], found["last_modified"].isoformat()
    if etag is not None and etag == source.etag:
        return None
    if errand.ask_only:
        raise Newer
    with _stream(bucket, name, found["size"]) as stream:
        oid, size = errand.put(stream, source.checksum)
    said = replace(source, etag=etag, modified=modified, listing=None)
    return Arrival(said, oid, "file", size)


def _prefix(source: Source, errand: Errand, bucket: S3Transport) -> Arrival | None:
    found = {one["path"]: one for one in _list(bucket) if not one["path"].endswith("/")}
    if not found:
        raise RequestError(
            f"there is nothing at '{source.url}'", hint="see: aws s3 ls " + bucket.url
        )
    if source.checksum is not None:
        raise RequestError(f"'{source.url}' is a folder, which has no checksum of its own")
    digest = _digest(found)
    if digest == source.listing:
        return None
    if errand.ask_only:
        raise Newer
    leaves: dict[str, Leaf] = {}
    for path, one in sorted(found.items()):
        listing.check(path)
        with _stream(bucket, path, one["size"]) as stream:
            oid, size = errand.put(stream)
        leaves[path] = Leaf(oid, size)
    oid, size = listing.put(errand.writer, leaves)
    said = replace(source, etag=None, modified=None, listing=digest)
    return Arrival(said, oid, "folder", size, len(leaves))


def _digest(found: Mapping[str, Any]) -> str:
    from mlops_cli.core import canonical
    from mlops_cli.core.ids import object_id

    rows = [[path, one["size"], one["e_tag"]] for path, one in sorted(found.items())]
    return object_id(canonical.encode(rows))


def _head(bucket: S3Transport, key: str) -> Any:
    import obstore

    try:
        with bucket.asking(key):
            return obstore.head(bucket.reader, key)
    except MissingKey:
        return None


def _list(bucket: S3Transport) -> Iterator[Any]:
    import obstore

    with bucket.asking("its listing"):
        for some in obstore.list(bucket.reader):
            yield from some


@contextmanager
def _stream(bucket: S3Transport, key: str, size: int) -> Iterator[Readable]:
    yield _Ranges(bucket, key, size)


class _Ranges:
    """An object as a stream: by ranges, each tried again when a connection breaks."""

    def __init__(self, bucket: S3Transport, key: str, size: int) -> None:
        self._bucket = bucket
        self._key = key
        self._size = size
        self._at = 0
        self._held = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none only at the end."""
        if not self._held and self._at < self._size:
            length = min(_PART_BYTES, self._size - self._at)
            data = self._bucket.read(self._key, self._at, length)
            if len(data) != length:
                raise IntegrityError(f"'{self._bucket.url}/{self._key}' changed while it was read")
            self._held, self._at = memoryview(data), self._at + length
        piece, self._held = bytes(self._held[:size]), self._held[size:]
        return piece
