"""The project's own modules that a trusted model needs, found by loading it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlops_cli.core.repository import Repository
from mlops_cli.registry import models
from mlops_cli.registry.models import Version

_NOT_THE_PROJECT_S = {".mlo", "site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True)
class Needed:
    """Files by their path in the project, and names of packages that were imported with them."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


def needed(repo: Repository, version: Version) -> Needed:
    """Return what loading a version imports of the project, and packages with it.

    Without trust no code of the project's runs, so there is nothing to bring.

    Raises:
        StateError: code that it needs cannot be imported here.
    """
    if not version.trusted:
        return Needed()
    before = set(sys.modules)
    models.load(repo, version)
    files = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path is None or not Path(path).is_relative_to(repo.root):
            continue
        within = Path(path).relative_to(repo.root)
        if not _NOT_THE_PROJECT_S.intersection(within.parts):
            files[within.as_posix()] = Path(path).read_bytes()
    fresh = {name.partition(".")[0] for name in set(sys.modules) - before}
    return Needed(dict(sorted(files.items())), _packages(fresh))


def _packages(modules: set[str]) -> tuple[str, ...]:
    from importlib.metadata import packages_distributions

    by_module = packages_distributions()
    return tuple(sorted({one for name in modules for one in by_module.get(name, ())} - {"mlo"}))
