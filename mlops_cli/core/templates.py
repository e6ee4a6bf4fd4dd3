"""What mlo writes for its users: starter projects and files, the folders of `templates/`."""

import os
from collections.abc import Iterator
from pathlib import Path

import mlops_cli
from mlops_cli.errors import RequestError

_NOT_FOR_USERS = frozenset({"__pycache__"})


def names() -> list[str]:
    """Return the names of the starter projects, sorted."""
    return sorted(path.name for path in _folder().iterdir() if (path / ".mlops.yaml").is_file())


def files(name: str) -> dict[str, bytes]:
    """Return the content of a starter project by relative POSIX path, in the order of paths.

    Raises:
        RequestError: there is no starter project of that name.
    """
    known = names()
    if name not in known:
        raise RequestError(
            f"there is no template '{name}'", hint=f"one of these: {', '.join(known)}"
        )
    root = _folder() / name
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(_walk(root))}


def text(path: str) -> str:
    """Return the text of one file of `templates/`, such as `docker/Dockerfile`."""
    return (_folder() / path).read_text()


def everything() -> dict[str, bytes]:
    """Return the content of all files of `templates/`, by relative POSIX path, in order."""
    root = _folder()
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(_walk(root))}


def _folder() -> Path:
    """Return `templates/`: inside the package as installed, beside it in a source checkout."""
    package = Path(mlops_cli.__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def _walk(root: Path) -> Iterator[Path]:
    for folder, below, here in os.walk(root):
        below[:] = [name for name in below if name not in _NOT_FOR_USERS]
        yield from (Path(folder, name) for name in here)
