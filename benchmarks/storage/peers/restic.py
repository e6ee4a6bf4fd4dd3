"""restic, whose repository is both store and remote."""

from benchmarks.storage.peers.peer import Command, Peer, size_bytes
from benchmarks.storage.system import first_line, have


class Restic(Peer):
    """restic with its own default compression; it always encrypts."""

    name = "restic"

    @classmethod
    def version(cls) -> str | None:
        """Return the version that is installed."""
        return first_line("restic", "version").split()[1] if have("restic", "restic") else None

    def begin(self) -> None:
        """Make a repository."""
        self._restic("init").run()

    def add(self) -> Command:
        """Back the data up."""
        return self._restic("backup", self.data)

    def checkout(self) -> Command:
        """Restore the newest snapshot."""
        return self._restic("restore", "latest", "--target", ".")

    def stored_bytes(self) -> int:
        """Return the length of the repository."""
        return size_bytes(self.home / "repository")

    def _restic(self, *argv: str) -> Command:
        return self.command(
            *("restic", "--quiet", *argv),
            RESTIC_REPOSITORY=str(self.home / "repository"),
            RESTIC_PASSWORD="benchmark",
            RESTIC_CACHE_DIR=str(self.home / "cache"),
        )
