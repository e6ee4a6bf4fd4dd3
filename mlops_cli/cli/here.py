"""The repository that a command works on."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository


def repository() -> "Repository":
    """Return the repository around the working folder; waiting for its lock is told on stderr."""
    from mlops_cli.cli import show
    from mlops_cli.core.repository import open_repository

    found = open_repository(Path.cwd())
    found.on_wait = lambda holder: show.note(f"waiting for {holder} to end")
    return found


def repository_if_any() -> "Repository | None":
    """Return the repository around the working folder, None outside of one."""
    from mlops_cli.errors import NotARepository

    try:
        return repository()
    except NotARepository:
        return None
