"""Which run made a version, in the words by which lists of runs name it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.registry.models import Version

_KEY = 8


def origin(repo: "Repository", version: "Version") -> str:
    """Return the run that made a version, by name and key, and of which other it is a part."""
    from mlops_cli.errors import MissingObject
    from mlops_cli.runs.names import names_of
    from mlops_cli.runs.record import Run

    if version.run is None:
        return "outside any run"
    try:
        run = Run.read(repo, version.run)
    except MissingObject:
        return f"run {version.run[:10]}"
    part = f", part of {names_of(repo, [run.parent])[0]}" if run.parent else ""
    return f"run {run.name} ({run.key[:_KEY]}){part}"
