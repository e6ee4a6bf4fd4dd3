"""Which projects of a git repository have pointers or a lock file among some files.

A git repository may hold several projects, at its top or below; hooks see paths from the top.
"""

from collections.abc import Iterable
from pathlib import Path

from mlops_cli.core import layout
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX
from mlops_cli.core.records import dataclass, field
from mlops_cli.data.pointer import is_pointer
from mlops_cli.errors import NotARepository

PATTERNS = ("*" + POINTER_SUFFIX, LOCKFILE, "*/" + LOCKFILE)
"""What git is to list to find pointers and lock files."""


@dataclass(slots=True)
class Touched:
    """What is told of one project: paths of data by their pointers' names, and its lock file."""

    root: Path
    prefix: str
    """Of the project's paths, from the top of the git repository: empty, or with `/` at the end."""
    data: set[str] = field(default_factory=set)
    lock: bool = False

    def file(self, path: str) -> str:
        """Return the pointer of data, from the top of the git repository."""
        return f"{self.prefix}{path}{POINTER_SUFFIX}"


def touched(top: Path, files: Iterable[str]) -> dict[Path, Touched]:
    """Return, by their roots, the projects that the pointers and lock files in `files` belong to.

    `files` are relative to `top`, the top folder of the git repository.
    """
    found: dict[Path, Touched] = {}
    roots: dict[str, Path | None] = {}
    for file in files:
        folder, _, name = file.rpartition("/")
        if folder not in roots:
            roots[folder] = root_of(top, folder)
        root = roots[folder]
        if root is None:
            continue
        inner = root.relative_to(top).as_posix()
        project = found.setdefault(root, Touched(root, "" if inner == "." else inner + "/"))
        path = file.removeprefix(project.prefix)
        if is_pointer(file):
            project.data.add(path.removesuffix(POINTER_SUFFIX))
        elif path == LOCKFILE and name == LOCKFILE:
            project.lock = True
    return found


def root_of(top: Path, folder: str) -> Path | None:
    """Return the root of the project that a folder is in, or None; it may be gone by now."""
    try:
        root = layout.find(top / folder).root
    except NotARepository:
        return None
    return root if root.is_relative_to(top) else None
