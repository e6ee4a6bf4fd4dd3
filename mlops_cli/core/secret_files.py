"""Files that must stay secret: where settings say that they are, and whether git has them."""

from pathlib import Path

from mlops_cli.core import git


def place(written: str, root: Path) -> Path:
    """Return where a file is: `~` is home, and a relative path starts at the project's root."""
    return root / Path(written).expanduser()


def in_work_tree(path: Path, root: Path) -> tuple[Path, str] | None:
    """Return the top of git's work tree at `root` and a file's path in it; None if it is outside.

    A link is followed: what it leads to is what would be read.
    """
    top = git.toplevel(root)
    if top is None or not path.resolve().is_relative_to(top.resolve()):
        return None
    return top, path.resolve().relative_to(top.resolve()).as_posix()
