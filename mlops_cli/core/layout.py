"""Every path of a project that mlo keeps something at.

A work tree may use the store of another, as git's work trees share one repository: its own `.mlo/`
then has a file `store` that says where, and keeps only what is about its own files.
"""

import os
from pathlib import Path

from mlops_cli.core.records import dataclass, field
from mlops_cli.errors import NotARepository

STORE = ".mlo"
SETTINGS = ".mlops.yaml"
LOCKFILE = "mlo.lock"
POINTER_SUFFIX = ".mlo"
PACK_SUFFIX = ".pack"
INDEX_SUFFIX = ".idx"
HISTORY = "mlo.history"
BORROWED = "store"
"""The file in `.mlo/` that holds the path of the `.mlo/` whose store is used."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the project at `root`."""

    root: Path
    store: Path = field(init=False)
    """The folder of packs, refs, and all else that is not about one work tree."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", _borrowed(self.mlo) or self.mlo)

    @property
    def mlo(self) -> Path:
        """The folder of what is about this work tree, and of the store if it is its own."""
        return self.root / STORE

    @property
    def format(self) -> Path:
        """The file that holds the version of the store's format."""
        return self.store / "format"

    @property
    def packs(self) -> Path:
        """The folder of packs."""
        return self.store / "packs"

    @property
    def tmp(self) -> Path:
        """The folder of files that are not whole yet."""
        return self.store / "tmp"

    @property
    def refs(self) -> Path:
        """The file of names that move."""
        return self.store / "refs"

    @property
    def lock(self) -> Path:
        """The file that writers lock."""
        return self.store / "lock"

    @property
    def writing(self) -> Path:
        """The file that tells `gc` of writers at work, and writers of the last `gc`."""
        return self.store / "writing"

    @property
    def damaged(self) -> Path:
        """The folder of what `fsck --repair` took out of the store."""
        return self.store / "damaged"

    @property
    def clone(self) -> Path:
        """The file that names this clone."""
        return self.store / "clone"

    @property
    def stat_cache(self) -> Path:
        """The cache of what the work tree's files looked like when they were hashed."""
        return self.mlo / "stat"

    @property
    def open_runs(self) -> Path:
        """The folder of runs that have not ended."""
        return self.mlo / "open"

    @property
    def worktrees(self) -> Path:
        """The folder of work trees that mlo made, which use this store."""
        return self.store / "worktrees"

    @property
    def pipeline_lock(self) -> Path:
        """The file that whoever runs the pipeline in this work tree locks."""
        return self.mlo / "pipeline.lock"

    @property
    def conflicts(self) -> Path:
        """The file of what git merges left open in versioned data."""
        return self.mlo / "conflicts"

    @property
    def predictions(self) -> Path:
        """The folder of the prediction log."""
        return self.store / "predictions"

    @property
    def monitor(self) -> Path:
        """The folder of what `mlo monitor` knows from one check to the next."""
        return self.store / "monitor"

    @property
    def retrain(self) -> Path:
        """The folder of where the retraining of each model stands."""
        return self.store / "retrain"

    @property
    def servers(self) -> Path:
        """The folder of what servers that run tell of themselves."""
        return self.store / "servers"

    @property
    def validated(self) -> Path:
        """The folder of what was found when tables were held against their schemas, a cache."""
        return self.store / "validated"

    @property
    def importance(self) -> Path:
        """The folder of what versions make of their columns, a cache."""
        return self.store / "importance"

    @property
    def remotes(self) -> Path:
        """The folder of what is known about remotes."""
        return self.store / "remotes"

    @property
    def database(self) -> Path:
        """The SQLite index, a cache that is safe to delete."""
        return self.store / "index.db"

    @property
    def settings(self) -> Path:
        """The settings file, committed to git."""
        return self.root / SETTINGS

    @property
    def lockfile(self) -> Path:
        """The file of what each step last consumed and produced, committed to git."""
        return self.root / LOCKFILE


def find(start: Path) -> Layout:
    """Return the layout of the project that holds `start`: the nearest folder upwards that
    has `.mlops.yaml` or `.mlo/`.

    Raises:
        NotARepository: there is none.
    """
    here = start.absolute()
    for folder in (here, *here.parents):
        if (folder / SETTINGS).is_file() or (folder / STORE).is_dir():
            return Layout(folder)
    raise NotARepository(f"'{here}' is not in an mlo repository", hint="make one here: mlo init")


def _borrowed(mlo: Path) -> Path | None:
    """Return the `.mlo/` that this one names as its store; None when it has its own."""
    try:
        return Path(os.fsdecode((mlo / BORROWED).read_bytes().rstrip(b"\n")))
    except (FileNotFoundError, NotADirectoryError):
        return None


def was_dvc(root: Path) -> bool:
    """Return whether a project may have been DVC's; asks neither git nor any file's content."""
    return (root / HISTORY).exists() or (root / ".dvc").is_dir()
