"""Every path of a project that mlo keeps something at."""

from dataclasses import dataclass
from pathlib import Path

from mlops_cli.errors import NotARepository

STORE = ".mlo"
SETTINGS = ".mlops.yaml"
LOCKFILE = "mlo.lock"
POINTER_SUFFIX = ".mlo"
HISTORY = "mlo.history"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the project at `root`."""

    root: Path

    @property
    def mlo(self) -> Path:
        """The store's folder, ignored by git."""
        return self.root / STORE

    @property
    def format(self) -> Path:
        """The file that holds the version of the store's format."""
        return self.mlo / "format"

    @property
    def packs(self) -> Path:
        """The folder of packs."""
        return self.mlo / "packs"

    @property
    def tmp(self) -> Path:
        """The folder of files that are not whole yet."""
        return self.mlo / "tmp"

    @property
    def refs(self) -> Path:
        """The file of names that move."""
        return self.mlo / "refs"

    @property
    def lock(self) -> Path:
        """The file that writers lock."""
        return self.mlo / "lock"

    @property
    def writing(self) -> Path:
        """The file that tells `gc` of writers at work, and writers of the last `gc`."""
        return self.mlo / "writing"

    @property
    def damaged(self) -> Path:
        """The folder of what `fsck --repair` took out of the store."""
        return self.mlo / "damaged"

    @property
    def clone(self) -> Path:
        """The file that names this clone."""
        return self.mlo / "clone"

    @property
    def stat_cache(self) -> Path:
        """The cache of what the work tree's files looked like when they were hashed."""
        return self.mlo / "stat"

    @property
    def open_runs(self) -> Path:
        """The folder of runs that have not ended."""
        return self.mlo / "open"

    @property
    def conflicts(self) -> Path:
        """The file of what git merges left open in versioned data."""
        return self.mlo / "conflicts"

    @property
    def predictions(self) -> Path:
        """The folder of the prediction log."""
        return self.mlo / "predictions"

    @property
    def remotes(self) -> Path:
        """The folder of what is known about remotes."""
        return self.mlo / "remotes"

    @property
    def database(self) -> Path:
        """The SQLite index, a cache that is safe to delete."""
        return self.mlo / "index.db"

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


def was_dvc(root: Path) -> bool:
    """Return whether a project may have been DVC's; asks neither git nor any file's content."""
    return (root / HISTORY).exists() or (root / ".dvc").is_dir()
