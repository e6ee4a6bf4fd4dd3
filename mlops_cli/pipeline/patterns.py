"""Patterns among the dependencies of steps: `data/*.csv`, `src/**/*.py`.

`*`, `?` and `[abc]` stand for parts of one name, and not for a dot at its start; `**` for any
folders in between, at the end for all files below. Without `**` a pattern matches folders too.
Links are not followed. What has a pointer matches also when it is not checked out, and pointers do
not, so that a fresh clone lacks data and does not run with less of it.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlops_cli.core.globs import fixed, full, is_pattern, named
from mlops_cli.core.layout import POINTER_SUFFIX
from mlops_cli.errors import RequestError

MOST = 10_000
"""As many paths as a pattern may match: each is a line in `mlo.lock`."""
_CLOSED = frozenset({".git", ".mlo", "__pycache__", ".ipynb_checkpoints"})


def matches(root: Path, pattern: str) -> list[str]:
    """Return the paths of the project that match, sorted.

    Raises:
        RequestError: there are more than `MOST`.
    """
    parts = pattern.split("/")
    found: set[str] = set()
    for path in _below(os.fspath(root), "", parts, "**" in parts):
        found.add(path)
        if len(found) > MOST:
            raise RequestError(
                f"'{pattern}' matches more than {MOST:,} paths",
                hint=f"depend on the folder as a whole: {fixed(pattern) or 'name one'}",
            )
    return sorted(found)


def touches(pattern: str, path: str) -> bool:
    """Return whether what a step writes at `path` may match, hold a match, or be in one.

    >>> [touches("data/*.csv", path) for path in ("data/a.csv", "data", "data/a.json")]
    [True, True, False]
    >>> [touches("src/**/*.py", path) for path in ("src/a/b.py", "src/gen", "src/a.json")]
    [True, True, False]
    """
    return _touches(pattern.split("/"), path.split("/"))


def _touches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    if not path or not pattern:
        return True  # a folder that may hold a match, or something inside of one
    if pattern[0] != "**":
        return named(pattern[0], path[0]) and _touches(pattern[1:], path[1:])
    rest = pattern[1:]
    if not rest:
        return True
    ends = range(len(path))
    if any(full(rest, path[start:]) for start in ends):
        return True
    return "." not in path[-1]  # by its name a folder, so it may hold a match


def _below(root: str, folder: str, parts: Sequence[str], files_only: bool) -> Iterator[str]:  # noqa: FBT001
    """Yield what matches `parts` in a folder of the project."""
    part, rest = parts[0], parts[1:]
    if not is_pattern(part):
        path = folder + part
        if rest:
            if _is_folder(f"{root}/{path}"):
                yield from _below(root, f"{path}/", rest, files_only)
        elif os.path.lexists(f"{root}/{path}") and not os.path.islink(f"{root}/{path}"):
            yield path
        return
    if part == "**" and rest:
        yield from _below(root, folder, rest, files_only)
    for name, is_folder in _entries(f"{root}/{folder}").items():
        path = folder + name
        if part == "**":
            if is_folder and _is_seen(name):
                yield from _below(root, f"{path}/", parts, files_only)
            elif not is_folder and not rest and _is_seen(name):
                yield path
        elif named(part, name):
            if rest and is_folder:
                yield from _below(root, f"{path}/", rest, files_only)
            elif not rest and not (is_folder and files_only):
                yield path


def _entries(folder: str) -> dict[str, bool]:
    """Return the names in a folder, and whether each is a folder itself."""
    found: dict[str, bool] = {}
    lacking: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(POINTER_SUFFIX) and entry.name not in _CLOSED:
                    lacking.append(entry.name.removesuffix(POINTER_SUFFIX))
                elif entry.name not in _CLOSED and not entry.is_symlink():
                    found[entry.name] = entry.is_dir(follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict.fromkeys(lacking, False) | found


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _is_seen(name: str) -> bool:
    return not name.startswith(".")
