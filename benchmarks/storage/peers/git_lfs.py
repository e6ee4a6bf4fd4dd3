"""git-lfs, with a remote that is a folder."""

from benchmarks.storage.peers.git import Git
from benchmarks.storage.peers.peer import Command, remove, size_bytes
from benchmarks.storage.system import first_line, have


class GitLfs(Git):
    """git with the data tracked by git-lfs, which sends to a folder by itself."""

    name = "git-lfs"

    @classmethod
    def version(cls) -> str | None:
        """Return the version that is installed."""
        if not have("git-lfs", "git-lfs"):
            return None
        return first_line("git", "lfs", "version").split()[0].removeprefix("git-lfs/")

    def begin(self) -> None:
        """Make a repository whose data goes through git-lfs."""
        super().begin()
        self.run("git", "lfs", "install", "--local")
        pattern = f"{self.data}/**" if self.path.is_dir() else self.data
        self.run("git", "lfs", "track", pattern)
        self.run("git", "add", ".gitattributes")

    def make_clone(self) -> None:
        """Clone the pointers."""
        remove(self.clone)
        self.command(
            *("git", "clone", "--quiet", self._url, str(self.clone)),
            cwd=self.home,
            GIT_LFS_SKIP_SMUDGE="1",
        ).run()
        self.run("git", "lfs", "install", "--local", "--skip-smudge", cwd=self.clone)

    def pull(self) -> Command:
        """Fetch and check out."""
        return self.command("git", "lfs", "pull", cwd=self.clone)

    def stored_bytes(self) -> int:
        """Return the length of the objects, git's and its own."""
        return super().stored_bytes() + size_bytes(self.project / ".git" / "lfs" / "objects")
