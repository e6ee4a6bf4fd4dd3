"""`mlo` itself, as it is installed beside the Python that measures."""

from importlib.metadata import version

from benchmarks.measure import MLO
from benchmarks.storage.peers.peer import Command, InGit, remove, size_bytes


class Mlo(InGit):
    """`mlo` with a remote that is a folder."""

    name = "mlo"

    @classmethod
    def version(cls) -> str | None:
        """Return the version that is installed."""
        return version("mlo")

    def begin(self) -> None:
        """Make a repository of git and `mlo`."""
        self.run(MLO, "init")
        self.run(MLO, "remote", "add", "origin", str(self.remote))

    def add(self) -> Command:
        """Version the data; it is on disk when this ends."""
        return self.command(MLO, "add", self.data)

    def status(self) -> Command:
        """Compare with the pointer."""
        return self.command(MLO, "status")

    def push(self) -> Command:
        """Send all that the remote lacks."""
        return self.command(MLO, "push")

    def pull(self) -> Command:
        """Fetch and check out."""
        return self.command(MLO, "pull", cwd=self.clone)

    def checkout(self) -> Command:
        """Check out."""
        return self.command(MLO, "checkout")

    def unpush(self) -> None:
        """Forget the remote, and what is known about it."""
        remove(self.remote)
        remove(self.project / ".mlo" / "remotes")

    def stored_bytes(self) -> int:
        """Return the length of the packs."""
        return size_bytes(self.project / ".mlo" / "packs")
