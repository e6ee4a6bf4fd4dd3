"""A package opened as a repository of one version, which nothing can be added to.

So whatever loads, checks and serves a version in a project does so from a package as well. The
version's record is an object whose id is the version's, and it names the model by its id: so a
model that was changed on the way here is found, even if somebody wrote fitting checksums.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from mlops_cli.core import canonical, config, tree
from mlops_cli.core.config import Settings
from mlops_cli.core.extents import write_at
from mlops_cli.core.ids import ObjectId, hash_threads, object_id
from mlops_cli.core.layout import Layout
from mlops_cli.core.objects import Kind, ObjectStore
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, MissingObject
from mlops_cli.registry.events import PREFIX
from mlops_cli.registry.packaging import description, sums
from mlops_cli.registry.packaging.description import Description

if TYPE_CHECKING:
    from mlops_cli.core.read_many import Content

SETTINGS = "serving.yaml"
CODE, OBJECTS = "code", "objects"
HOLDING = (OBJECTS, "model", "compiled")
"""Folders whose files are objects."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A package and the repository that it is."""

    repo: Repository
    description: Description

    @property
    def reference(self) -> str:
        """What its version is called, such as `churn@v3`."""
        return f"{self.description.model}@v{self.description.version}"


@contextmanager
def opened(folder: Path, *, log: Path | None = None) -> Iterator[Opened]:
    """Open a package for a `with` block; every byte of it has been checked.

    Args:
        folder: the package; it is only read.
        log: where the prediction log goes; None for no log.

    Raises:
        RequestError: it is no package.
        IntegrityError: a byte of it is not what was written.
    """
    sums.check(folder)
    described = description.read(folder)
    with tempfile.TemporaryDirectory(prefix="mlo-") as state:
        layout = _Layout(folder / CODE, folder, Path(state), log)
        layout.tmp.mkdir()
        repo = _Package(layout, described.version_id)
        if described.version_id not in repo.files:
            raise IntegrityError(
                f"the package in '{folder}' lacks the record of its version"
                f" {described.version_id[:10]}"
            )
        repo.refs.move({PREFIX + described.model: (None, described.version_id)})
        yield Opened(repo, described)


@dataclass(frozen=True, slots=True)
class _Layout(Layout):
    """Where things are while a package is open; `root` is the folder of the project's code."""

    package: Path
    state: Path
    log: Path | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", self.state)

    @property
    def settings(self) -> Path:
        return self.package / SETTINGS

    @property
    def predictions(self) -> Path:
        return self.state / "predictions" if self.log is None else self.log


class _Package(Repository):
    """A repository whose objects are the files of a package."""

    def __init__(self, layout: _Layout, first: ObjectId) -> None:
        super().__init__(layout)
        self._first = first
        self._logs = layout.log is not None
        self.files = dict(_by_id(layout.package))

    @cached_property
    def objects(self) -> ObjectStore:
        return _Files(self.files, self._first)

    @cached_property
    def settings(self) -> Settings:
        """What the package says of serving; without a folder for it there is no log."""
        loaded = config.load(self.layout.settings)
        if self._logs:
            return loaded
        unlogged = replace(loaded.serving.log, sample=0.0)
        return replace(loaded, serving=replace(loaded.serving, log=unlogged))


def _by_id(folder: Path) -> Iterator[tuple[ObjectId, Path]]:
    for name in HOLDING:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and not path.is_symlink():
                hasher = blake3(max_threads=hash_threads())
                hasher.update_mmap(path)
                yield ObjectId(hasher.hexdigest()), path


class _Files(ObjectStore):
    """Objects that are files, by their ids; they can be read, and nothing can be put."""

    def __init__(self, files: dict[ObjectId, Path], first: ObjectId) -> None:
        self._files = files
        self._first = first

    def has(self, oid: ObjectId) -> bool:
        return oid in self._files

    def absent_keys(self, keys: set[bytes]) -> set[bytes]:
        return {key for key in keys if key.hex() not in self._files}

    def size(self, oid: ObjectId) -> int:
        return self._path(oid).stat().st_size

    def kind(self, oid: ObjectId) -> Kind:
        path = self._path(oid)
        if path.parent.name != OBJECTS:
            return Kind.BLOB
        if oid == self._first:
            return Kind.EVENT
        with path.open("rb") as file:
            return Kind.TREE if file.read(len(tree.HEADER)) == tree.HEADER else Kind.BLOB

    def get(self, oid: ObjectId) -> bytes:
        """Return the content, checked; the version's record as the first of its model's chain."""
        data = self._path(oid).read_bytes()
        if object_id(data) != oid:
            raise IntegrityError(f"'{self._path(oid)}' has changed since it was checked")
        if oid == self._first:
            return canonical.encode({**canonical.decode(data), "prev": None})
        return data

    def stream(self, oid: ObjectId) -> Iterator[bytes]:
        yield self.get(oid)

    def contents_of(self, keys: Sequence[bytes]) -> "Iterator[Content | None]":
        return (self.get(ObjectId(key.hex())) for key in keys)

    def write_to(self, handle: int, oid: ObjectId) -> None:
        write_at(handle, self.get(oid), 0)

    def find(self, prefix: str) -> list[ObjectId]:
        return [oid for oid in self._files if oid.startswith(prefix)]

    def refresh(self) -> None:
        """Do nothing: a package does not change."""

    def _path(self, oid: ObjectId) -> Path:
        path = self._files.get(oid)
        if path is None:
            raise MissingObject(f"object {oid} is not in this package", oid=oid)
        return path


Say = Callable[[str], None]


def tell_differences(described: Description, say: Say) -> int:
    """Tell of packages that are not here as the version was packaged with; return how many."""
    import sys

    from mlops_cli.runs import packages

    there = packages.installed([one for one in sys.path if one])
    count = 0
    for name, (version, record) in described.packages.items():
        here = there.versions.get(name)
        if here == version and record in ("", there.hashes.get(name)):
            continue
        count += 1
        found = "not here" if here is None else here if here != version else "another build"
        say(f"{name} is {found}, the package was made with {version}")
    return count
