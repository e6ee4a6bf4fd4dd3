"""borg, whose repository is both store and remote."""

from benchmarks.storage.peers.peer import Command, Peer, size_bytes
from benchmarks.storage.system import first_line, have


class Borg(Peer):
    """borg without encryption, with its default compression."""

    name = "borg"

    @classmethod
    def version(cls) -> str | None:
        """Return the version that is installed."""
        return first_line("borg", "--version").split()[1] if have("borg", "borgbackup") else None

    def begin(self) -> None:
        """Make a repository."""
        self._archives = 0
        self._borg("init", "--encryption", "none").run()

    def add(self) -> Command:
        """Make the next archive."""
        self._archives += 1
        return self._borg("create", f"::{self._archives}", self.data)

    def checkout(self) -> Command:
        """Extract the newest archive."""
        return self._borg("extract", f"::{self._archives}")

    def stored_bytes(self) -> int:
        """Return the length of the repository."""
        return size_bytes(self.home / "repository")

    def _borg(self, *argv: str) -> Command:
        return self.command(
            *("borg", *argv),
            BORG_REPO=str(self.home / "repository"),
            BORG_BASE_DIR=str(self.home / "base"),
        )
