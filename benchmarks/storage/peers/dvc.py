"""DVC, in a virtual environment of its own."""

import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.storage.peers.peer import Command, InGit, remove, size_bytes
from benchmarks.storage.system import cache_folder

_VERSION = "3.67.1"


class Dvc(InGit):
    """DVC as it is after `dvc init`, so that it links as it finds best, without the network."""

    name = "DVC"

    @classmethod
    def version(cls) -> str | None:
        """Return the version, which is pinned."""
        if not _program().exists() and not _install():
            return None
        return _VERSION

    def begin(self) -> None:
        """Make a repository of git and DVC."""
        self.run("git", "init", "--quiet")
        self._dvc("init", "--quiet").run()
        for key in ("core.check_update", "core.analytics"):
            self._dvc("config", key, "false").run()
        self._dvc("remote", "add", "--quiet", "--default", "store", str(self.remote)).run()

    def add(self) -> Command:
        """Put the data into the cache, and a link or copy in its place."""
        return self._dvc("add", "--quiet", self.data)

    def status(self) -> Command:
        """Compare with the `.dvc` file."""
        return self._dvc("status")

    def push(self) -> Command:
        """Copy from the cache to the remote."""
        return self._dvc("push")

    def pull(self) -> Command:
        """Fetch and check out; a clone shares nothing with the project."""
        return self._dvc("pull", clone=True)

    def make_clone(self) -> None:
        """Clone with git, and forget what DVC knows about the clone before."""
        super().make_clone()
        remove(self.home / "site-clone")

    def checkout(self) -> Command:
        """Check out."""
        return self._dvc("checkout", "--quiet")

    def unpush(self) -> None:
        """Forget the remote, and the index of it."""
        remove(self.remote)
        for index in (self.home / "site").glob("**/index"):
            remove(index)

    def stored_bytes(self) -> int:
        """Return the length of the cache."""
        return size_bytes(self.project / ".dvc" / "cache")

    def _dvc(self, *argv: str, clone: bool = False) -> Command:
        return self.command(
            str(_program()),
            *argv,
            cwd=self.clone if clone else None,
            DVC_NO_ANALYTICS="1",
            DVC_SITE_CACHE_DIR=str(self.home / ("site-clone" if clone else "site")),
        )


def _program() -> Path:
    return cache_folder() / f"dvc-{_VERSION}" / "bin" / "dvc"


def _install() -> bool:
    """Make the environment whole or not at all, and say whether that worked."""
    print(f"installing DVC {_VERSION} ...", file=sys.stderr)
    folder = _program().parents[1]
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", f"dvc=={_VERSION}"]
    done = subprocess.run(pip, check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        remove(folder)
    return _program().exists()
