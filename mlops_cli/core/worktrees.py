"""Work trees that mlo makes: a commit checked out aside, which uses the project's own store.

Each has a room, a folder in `.mlo/worktrees/`: git's work tree, where in it the project is, and a
file that whoever works there holds a kernel lock on. A room whose lock is free has lost its user.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.files import outside
from mlops_cli.core.layout import BORROWED, Layout
from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError

_ALIVE, _TREE, _PREFIX = "alive", "tree", "prefix"
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")


@dataclass(frozen=True, slots=True)
class Room:
    """A work tree that this process has for itself, and the lock on it.

    Attributes:
        layout: the paths of the project in it.
    """

    folder: Path
    layout: Layout
    _handle: int

    def close(self) -> None:
        """Remove the work tree, and git's note of it."""
        _remove(self.folder)
        os.close(self._handle)


def make(layout: Layout, commit: str) -> Room:
    """Check a commit out into a work tree of its own, without data, and without running hooks.

    Raises:
        RequestError: the project is in no git repository.
        ExternalError: git or the disk refused.
    """
    folder = layout.worktrees / os.urandom(6).hex()
    handle = _move_in(folder, _prefix(layout.root))
    try:
        arguments = ("worktree", "add", "--quiet", "--detach", str(folder / _TREE), commit)
        git.run(layout.root, *_NO_HOOKS, *arguments, literal=False)
        _borrow(_project(folder), layout.store)
    except BaseException:
        _remove(folder)
        os.close(handle)
        raise
    return Room(folder, Layout(_project(folder)), handle)


def orphans(layout: Layout) -> Iterator[Room]:
    """Yield each work tree that has lost its user, and take it over."""
    for folder in _folders(layout):
        try:
            handle = os.open(folder / _ALIVE, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        yield Room(folder, Layout(_project(folder)), handle)


def layouts(layout: Layout) -> list[Layout]:
    """Return the paths of the project in each of its work trees that mlo made."""
    return [Layout(_project(folder)) for folder in _folders(layout)]


def _folders(layout: Layout) -> list[Path]:
    try:
        names = sorted(os.listdir(layout.worktrees))
    except FileNotFoundError:
        return []
    return [layout.worktrees / name for name in names if not name.startswith(".")]


def _move_in(folder: Path, prefix: str) -> int:
    """Make a room, and return the descriptor that holds its lock."""
    unborn = folder.with_name(f".new-{folder.name}")
    try:
        unborn.mkdir(parents=True)
        (unborn / _PREFIX).write_bytes(os.fsencode(prefix))
        handle = os.open(unborn / _ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.rename(unborn, folder)
    except OSError as error:
        raise outside(error, folder) from error
    return handle


def _project(folder: Path) -> Path:
    return folder / _TREE / os.fsdecode((folder / _PREFIX).read_bytes())


def _borrow(root: Path, store: Path) -> None:
    own = root / ".mlo"
    try:
        (own / "open").mkdir(parents=True)
        (own / ".gitignore").write_text("*\n")
        (own / BORROWED).write_bytes(os.fsencode(store) + b"\n")
    except OSError as error:
        raise outside(error, own) from error


def _prefix(root: Path) -> str:
    top = git.toplevel(root)
    if top is None:
        raise RequestError(
            f"'{root}' is in no git repository, so there is no commit to work on",
            hint="git init, and commit the code",
        )
    return root.resolve().relative_to(top.resolve()).as_posix()


def _remove(folder: Path) -> None:
    """Remove a room; git's note of it first, for a note of what is gone would stop `gc`."""
    import shutil

    with suppress(OSError):
        note = (folder / _TREE / ".git").read_bytes()
        kept_by_git = Path(os.fsdecode(note.removeprefix(b"gitdir:").strip()))
        if kept_by_git.parent.name == "worktrees":
            shutil.rmtree(kept_by_git, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
