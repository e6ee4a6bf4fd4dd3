"""The code that is about to run: a commit, and how the work tree differs from it."""

from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.layout import LOCKFILE

MAX_UNTRACKED = 1000


@dataclass(frozen=True, slots=True)
class State:
    """What git says of the project; all empty when it is in no git repository."""

    commit: str | None
    branch: str | None
    patch: bytes
    untracked: tuple[str, ...]

    @property
    def dirty(self) -> bool:
        """Whether the commit alone does not give this code."""
        return bool(self.patch or self.untracked)


def state(root: Path) -> State:
    """Return the state of the code at `root`, without what mlo writes itself: `mlo.lock`.

    Raises:
        ExternalError: git is missing or failed.
    """
    commit, branch = git.head(root), git.branch(root)
    if commit is None and branch is None:
        return State(None, None, b"", ())
    patch = git.patch(root, without=[LOCKFILE]) if commit else b""
    untracked = [path for path in git.untracked(root) if path != LOCKFILE]
    return State(commit, branch, patch, tuple(untracked[:MAX_UNTRACKED]))
