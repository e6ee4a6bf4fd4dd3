"""What the commands of a run are started with: variables, PATH and processors as they were then."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.runs import machine
from mlops_cli.runs.environment import THREAD_VARIABLES, search_path
from mlops_cli.runs.open_run import (
    FOLDER_VARIABLE,
    PARAMS_VARIABLE,
    PARENT_VARIABLE,
    ROOT_VARIABLE,
    STEP_VARIABLE,
)
from mlops_cli.runs.secrets import MASK

_OF_A_RUN = (FOLDER_VARIABLE, PARAMS_VARIABLE, PARENT_VARIABLE, ROOT_VARIABLE, STEP_VARIABLE)
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How to start commands.

    Attributes:
        environ: all variables, without those of the work tree.
        cpus: how many processors they may use; None for all there are.
        source: the project's own folder, whose code must not be what runs.
        editable: folders in it that packages are edited in.
    """

    environ: Mapping[str, str]
    cpus: int | None
    source: Path
    editable: tuple[Path, ...] = ()

    def within(self, aside: Repository) -> dict[str, str]:
        """Return the variables for a work tree: Python finds the project's packages in it."""
        root = self.source
        folders = []
        for folder in self.editable:
            here = aside.root / folder.relative_to(root)
            folders += [str(here / "src")] if (here / "src").is_dir() else []
            folders.append(str(here))
        given = self.environ.get("PYTHONPATH", "")
        for part in given.split(os.pathsep) if given else ():
            inside = part == str(root) or part.startswith(f"{root}{os.sep}")
            folders.append(str(aside.root) + part[len(str(root)) :] if inside else part)
        if not folders:
            return dict(self.environ)
        return {**self.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}

    def with_variables(self, changes: Mapping[str, str | None]) -> "Surroundings":
        """Return the same with some variables set, or not set where the value is None."""
        environ = {name: value for name, value in self.environ.items() if name not in changes}
        environ |= {name: value for name, value in changes.items() if value is not None}
        return replace(self, environ=environ)


def as_here(
    repo: Repository, recorded: Mapping[str, Any], environ: Mapping[str, str]
) -> Surroundings:
    """Return this environment as it is."""
    kept = {name: value for name, value in environ.items() if name not in _OF_A_RUN}
    kept["PATH"] = search_path(environ)
    return Surroundings(kept, None, repo.root, _own(repo.root, recorded))


def as_recorded(
    repo: Repository,
    recorded: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    programs: Path | None,
) -> Surroundings:
    """Return this environment with variables and number of processors as a record has them.

    `programs` is the folder of programs of the Python to use; None for the one that is here.
    """
    here = as_here(repo, recorded, environ)
    told = recorded_variables(recorded)
    changes: dict[str, str | None] = {name: told.get(name) for name in THREAD_VARIABLES}
    changes |= told
    cpus, more = _processors(recorded)
    for name in _THREADS if more else ():
        changes[name] = told.get(name, str(more))
    if programs is not None:
        changes |= {
            "PATH": f"{programs}{os.pathsep}{environ.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(programs.parent),
            "PYTHONHOME": None,
            "CONDA_PREFIX": None,
        }
    return replace(here.with_variables(changes), cpus=cpus)


def recorded_variables(recorded: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that a record has the values of."""
    held = {**recorded.get("variables", {}), **recorded.get("threads", {})}
    return {
        name: value
        for name, value in held.items()
        if MASK not in value and "=" not in name and "\0" not in name + value
    }


@contextmanager
def processors(count: int | None) -> Iterator[None]:
    """Let this process and what it starts use only so many processors for a `with` block."""
    if count is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:count]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _processors(recorded: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return how many of this machine's to use, or how many more threads there were then."""
    then, now = recorded.get("cpus_usable"), machine.usable_cpus()
    if then is None or now is None or then == now:
        return None, None
    count = max(math.ceil(then), 1)
    return (count, None) if then < now else (None, count)


def _own(root: Path, recorded: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the folders of the project that packages are edited in.

    These are those that the record says to be in this folder; and the project's own, which may
    have been in another folder then, or on another machine.
    """
    found = []
    for name, url in recorded.get("editable", {}).items():
        folder = Path(unquote(urlparse(str(url)).path))
        if folder == root or root in folder.parents:
            found.append(folder)
        elif name == package_of(root):
            found.append(root)
    return tuple(dict.fromkeys(found))


def package_of(root: Path) -> str | None:
    """Return the normal name of the package that the project itself is; None when it is none."""
    import tomllib

    try:
        name = str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name.lower().replace("_", "-").replace(".", "-")
