"""git itself, with the data in it."""

from benchmarks.storage.peers.peer import Command, Peer, remove, size_bytes
from benchmarks.storage.system import first_line, have


class Git(Peer):
    """git with a bare repository as its remote."""

    name = "git"

    @classmethod
    def version(cls) -> str | None:
        """Return the version that is installed."""
        return first_line("git", "version").split()[2] if have("git", "git") else None

    def begin(self) -> None:
        """Make a repository and a bare one to push to."""
        self.run("git", "init", "--quiet")
        self.run("git", "init", "--quiet", "--bare", str(self.remote))
        self.run("git", "remote", "add", "origin", self._url)

    def add(self) -> Command:
        """Stage the data."""
        return self.command("git", "add", self.data)

    def record(self) -> None:
        """Commit what is staged."""
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "Add data")

    def status(self) -> Command:
        """Compare with the index."""
        return self.command("git", "status")

    def push(self) -> Command:
        """Push the branch."""
        return self.command("git", "push", "--quiet", "origin", "main")

    def pull(self) -> Command:
        """Clone, which is how git gets data the first time."""
        return self.command("git", "clone", "--quiet", self._url, str(self.clone), cwd=self.home)

    def checkout(self) -> Command:
        """Check out from the index."""
        return self.command("git", "checkout", "--quiet", "--", self.data)

    def unpush(self) -> None:
        """Push to a new repository."""
        remove(self.remote)
        remove(self.project / ".git" / "refs" / "remotes")
        self.run("git", "init", "--quiet", "--bare", str(self.remote))

    def stored_bytes(self) -> int:
        """Return the length of the objects."""
        return size_bytes(self.project / ".git" / "objects")

    @property
    def _url(self) -> str:
        return f"file://{self.remote}"
