"""An image that somebody has, as an OCI layout: a folder, or a tar archive of one."""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry.packaging.layers import MEDIA_TYPE, Layer

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_AS_OCI = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": MEDIA_TYPE,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}
_TITLE = "org.opencontainers.image.ref.name"
_MOST_JSON = 8 << 20


class Layout:
    """An OCI layout that can be read."""

    def __init__(self, path: Path, archive: tarfile.TarFile | None) -> None:
        self.path = path
        self._archive = archive

    def document(self, digest: str) -> Any:
        """Return the JSON that a blob is, checked."""
        with self.blob(digest) as file:
            data = file.read(_MOST_JSON)
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise IntegrityError(f"the blob {digest} of '{self.path}' is damaged")
        return _json(data, self.path)

    def index(self) -> Any:
        """Return `index.json`."""
        with self.open("index.json") as file:
            return _json(file.read(_MOST_JSON), self.path)

    def copy(self, digest: str, blobs: Path) -> None:
        """Copy a blob into a folder of blobs, checked."""
        target = blobs / digest.removeprefix("sha256:")
        with self.blob(digest) as file, target.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
        with target.open("rb") as copied:
            if f"sha256:{hashlib.file_digest(copied, 'sha256').hexdigest()}" != digest:
                target.unlink()
                raise IntegrityError(f"the blob {digest} of '{self.path}' is damaged")

    def blob(self, digest: str) -> IO[bytes]:
        """Open a blob."""
        kind, _, hexadecimal = str(digest).partition(":")
        if kind != "sha256" or len(hexadecimal) != 64 or not hexadecimal.isalnum():
            raise RequestError(f"'{self.path}' names a blob by '{digest}', which is no SHA-256")
        return self.open(f"blobs/sha256/{hexadecimal}")

    def open(self, name: str) -> IO[bytes]:
        """Open a file of the layout."""
        try:
            if self._archive is None:
                return (self.path / name).open("rb")
            for member in (name, f"./{name}"):
                if member in self._archive.getnames():
                    found = self._archive.extractfile(member)
                    if found is not None:
                        return found
        except OSError as error:
            raise _no_layout(self.path, name) from error
        raise _no_layout(self.path, name)


@dataclass(frozen=True, slots=True)
class Base:
    """The image to build on."""

    layout: Layout
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]

    @property
    def python(self) -> str | None:
        """The version of Python that it says it has, as the official images do."""
        variables = (self.config.get("config") or {}).get("Env") or ()
        held = dict(one.partition("=")[::2] for one in variables)
        return held.get("PYTHON_VERSION")


@contextmanager
def opened(text: str, architecture: str) -> Iterator[Base]:
    """Open the image at `PATH` or `PATH:TAG` for a `with` block.

    Raises:
        RequestError: there is no such image for this architecture, or several.
        IntegrityError: a blob of it is not what its name says.
    """
    path, tag = Path(text), None
    if not path.exists() and ":" in text:
        before, _, tag = text.rpartition(":")
        path = Path(before)
    if not path.exists():
        raise RequestError(
            f"there is no image at '{path}'",
            hint="bring one: skopeo copy docker://python:3.11-slim oci:base:3.11",
        )
    archive = None
    if path.is_file():
        try:
            archive = tarfile.open(path)  # noqa: SIM115  closed below
        except tarfile.TarError as error:
            raise RequestError(f"'{path}' is no archive of an image: {error}") from error
    try:
        layout = Layout(path, archive)
        yield _chosen(layout, layout.index(), tag, architecture)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(f"the image in '{path}' is malformed: {error!r}") from error
    finally:
        if archive is not None:
            archive.close()


def _chosen(layout: Layout, index: Any, tag: str | None, architecture: str) -> Base:
    found = [one for one in index["manifests"] if _fits(one, tag, architecture)]
    if len(found) != 1:
        what = "no image" if not found else f"{len(found)} images"
        tags = [one.get("annotations", {}).get(_TITLE) for one in index["manifests"]]
        known = ", ".join(f"{layout.path}:{one}" for one in tags if one)
        raise RequestError(
            f"'{layout.path}' has {what} for linux/{architecture}"
            + (f" called {tag}" if tag else ""),
            hint=f"there are {known}" if known else "skopeo copy --override-arch chooses one",
        )
    if found[0].get("mediaType") in _INDEXES:
        return _chosen(layout, layout.document(found[0]["digest"]), None, architecture)
    manifest = layout.document(found[0]["digest"])
    config = layout.document(manifest["config"]["digest"])
    if config.get("architecture") != architecture:
        raise RequestError(
            f"the image in '{layout.path}' is for {config.get('architecture')}, not {architecture}"
        )
    diff_ids = config["rootfs"]["diff_ids"]
    layers = tuple(
        Layer(_AS_OCI.get(one["mediaType"], one["mediaType"]), one["digest"], one["size"], diff_id)
        for one, diff_id in zip(manifest["layers"], diff_ids, strict=True)
    )
    return Base(layout, config, layers)


def _fits(one: Mapping[str, Any], tag: str | None, architecture: str) -> bool:
    platform = one.get("platform") or {"os": "linux", "architecture": architecture}
    named = tag is None or (one.get("annotations") or {}).get(_TITLE) == tag
    return named and (platform.get("os"), platform.get("architecture")) == ("linux", architecture)


def _json(data: bytes, path: Path) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise RequestError(f"the image in '{path}' is malformed: {error}") from error


def _no_layout(path: Path, name: str) -> RequestError:
    return RequestError(
        f"'{path}' is no OCI layout: it has no '{name}'",
        hint="make one: skopeo copy docker://python:3.11-slim oci:base:3.11",
    )
