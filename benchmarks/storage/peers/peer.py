"""What every tool that is measured can do."""

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from benchmarks.measure import environment

_GIT_SETTINGS = """\
[user]
    name = Benchmark
    email = benchmark@example.com
[init]
    defaultBranch = main
[gc]
    auto = 0
[maintenance]
    auto = false
[advice]
    detachedHead = false
"""


@dataclass(frozen=True, slots=True)
class Command:
    """One command line, where it runs, and what it finds in its environment besides the usual."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Run it unmeasured.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            self.argv,
            cwd=self.cwd,
            env=environment(self.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(self.argv)} failed: {done.stderr}")


class Peer(ABC):
    """A tool with a project of its own at `home/project`, and its remote at `home/remote`.

    `data` is the file or folder in the project that is versioned. A verb is a command to measure,
    or None where the tool has no such verb; all else is done unmeasured.
    """

    name: ClassVar[str]

    def __init__(self, home: Path, data: str = "data") -> None:
        self.home = home
        self.project = home / "project"
        self.remote = home / "remote"
        self.clone = home / "clone"
        self.data = data
        self.project.mkdir(parents=True, exist_ok=True)

    @property
    def path(self) -> Path:
        """Where the versioned data is."""
        return self.project / self.data

    @classmethod
    @abstractmethod
    def version(cls) -> str | None:
        """Return its version, installing it first if need be; None where that cannot be done."""

    @abstractmethod
    def begin(self) -> None:
        """Make an empty repository, and a remote if it has such."""

    @abstractmethod
    def add(self) -> Command:
        """Store what the data is now."""

    def record(self) -> None:  # noqa: B027 (most have nothing to commit)
        """Commit what `add` left to be committed."""

    def status(self) -> Command | None:
        """Say whether the data has changed since it was added."""
        return None

    def push(self) -> Command | None:
        """Send what was added to the remote."""
        return None

    def make_clone(self) -> None:
        """Make what `pull` fills: a clone without the data."""
        remove(self.clone)

    def pull(self) -> Command | None:
        """Fill the clone from the remote."""
        return None

    def checkout(self) -> Command | None:
        """Bring back the data, which was deleted, from the store."""
        return None

    def forget(self) -> None:
        """Make all as it was before the first `add`; the data stays."""
        for entry in (*self.home.iterdir(), *self.project.iterdir()):
            if entry not in (self.project, self.path):
                remove(entry)
        self.begin()

    def unpush(self) -> None:
        """Make all as it was before the first `push`."""
        remove(self.remote)

    @abstractmethod
    def stored_bytes(self) -> int:
        """Return how large the store is."""

    def sent_bytes(self) -> int:
        """Return how large the remote is."""
        return size_bytes(self.remote)

    def command(self, *argv: str, cwd: Path | None = None, **env: str) -> Command:
        """Return a command of this tool, to run in its project, without the user's settings."""
        (self.home / "gitconfig").write_text(_GIT_SETTINGS)
        usual = {
            "HOME": str(self.home),
            "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        return Command(argv, cwd or self.project, {**usual, **env})

    def run(self, *argv: str, cwd: Path | None = None, **env: str) -> None:
        """Run a command of this tool unmeasured."""
        self.command(*argv, cwd=cwd, **env).run()


class InGit(Peer):
    """A tool beside git: what it leaves to be committed is committed, and clones are git's."""

    def record(self) -> None:
        """Commit what is not ignored."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "Add data")

    def make_clone(self) -> None:
        """Clone with git: all but the data."""
        remove(self.clone)
        self.run("git", "clone", "--quiet", str(self.project), str(self.clone), cwd=self.home)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size_bytes(path: Path) -> int:
    """Return the length of all files below a folder, 0 if there is none."""
    return sum(
        os.lstat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(path)
        for name in names
    )
