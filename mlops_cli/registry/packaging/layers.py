"""Layers of an image: tar archives whose bytes depend on nothing but the files in them."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_LEVEL = 6
_FILE, _PROGRAM, _FOLDER = 0o644, 0o755, 0o755


@dataclass(frozen=True, slots=True)
class File:
    """One file of a layer, at an absolute path without its slash."""

    path: str
    content: bytes | Path
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """A blob that is a layer; `diff_id` is the digest of the archive before it was packed."""

    media_type: str
    digest: str
    size: int
    diff_id: str


class _Digesting(io.RawIOBase):
    """Passes on what is written, with its SHA-256 and length."""

    def __init__(self, below: IO[bytes] | gzip.GzipFile) -> None:
        self._below = below
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._hash.update(data)
        self.size += len(data)
        self._below.write(data)
        return len(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def write(files: Iterable[File], blobs: Path) -> Layer:
    """Write a layer that holds these files into a folder of blobs.

    Files come in the order of their paths, owned by root, as of 1970, with the folders above them.
    """
    temporary = blobs / f".{os.urandom(4).hex()}"
    try:
        with temporary.open("wb") as handle:
            packed = _Digesting(handle)
            with gzip.GzipFile("", "wb", _LEVEL, packed, mtime=0) as zipped:
                plain = _Digesting(zipped)
                with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                    _fill(archive, files)
        digest = packed.digest
        os.replace(temporary, blobs / digest.removeprefix("sha256:"))
    finally:
        temporary.unlink(missing_ok=True)
    return Layer(MEDIA_TYPE, digest, packed.size, plain.digest)


def of_folder(folder: Path, at: str) -> Iterator[File]:
    """Yield the files below a folder, to be at a path of the image; links stay behind."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = f"{at}/{path.relative_to(folder).as_posix()}"
            yield File(name, path, os.access(path, os.X_OK))


def pack(folder: Path, target: Path) -> None:
    """Write the files below a folder to a tar archive, the same bytes for the same files."""
    with tarfile.open(target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _fill(archive, (File(one.path[1:], one.content) for one in of_folder(folder, "")))


def _fill(archive: tarfile.TarFile, files: Iterable[File]) -> None:
    made: set[str] = set()
    for file in sorted(files, key=lambda one: one.path.encode("utf-8", "surrogateescape")):
        for folder in _above(file.path):
            if folder not in made:
                made.add(folder)
                archive.addfile(_entry(folder, _FOLDER, tarfile.DIRTYPE))
        entry = _entry(file.path, _PROGRAM if file.executable else _FILE, tarfile.REGTYPE)
        if isinstance(file.content, bytes):
            entry.size = len(file.content)
            archive.addfile(entry, io.BytesIO(file.content))
        else:
            with file.content.open("rb") as content:
                entry.size = os.fstat(content.fileno()).st_size
                archive.addfile(entry, content)


def _above(path: str) -> Iterator[str]:
    parts = path.split("/")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count])


def _entry(path: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.type, entry.mtime = mode, kind, 0
    return entry
