"""What `mlo doctor` looks at: the installation, then the repository it stands in."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec

import mlops_cli
from mlops_cli.cli import show
from mlops_cli.core import git
from mlops_cli.core.layout import STORE
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import MloError, NotARepository

P = ParamSpec("P")

OLDEST_GIT = "2.25"  # the first that reads path lists from a file
LITTLE_SPACE_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one thing."""

    name: str
    state: str
    """`ok`; `warn`, worth knowing; `fail`, something will not work."""
    detail: str
    hint: str | None = None


def examine(start: Path) -> list[Check]:
    """Return what was found of the installation, and of the repository that holds `start`."""
    checks = [_python(), *_guarded("git", _git, start), _libraries()]
    try:
        repo = open_repository(start)
    except NotARepository:
        return [*checks, Check("repository", "ok", "none here; `mlo init` makes one")]
    except MloError as error:
        return [*checks, _failed("repository", error)]
    checks.append(Check("repository", "ok", str(repo.root)))
    checks += _guarded("settings", _settings, repo)
    checks += _guarded("store", _store, repo)
    checks += _guarded("ignored", _ignored, repo)
    checks += _guarded("predictions", _predictions, repo)
    return [*checks, _space(repo), *_remotes(repo)]


def _guarded(
    name: str, check: Callable[P, list[Check]], *args: P.args, **kwargs: P.kwargs
) -> list[Check]:
    """Return what `check` finds; an error that can be named is a finding too."""
    try:
        return check(*args, **kwargs)
    except MloError as error:
        return [_failed(name, error)]


def _failed(name: str, error: MloError) -> Check:
    return Check(name, "fail", error.message, error.hint)


def _python() -> Check:
    place = Path(mlops_cli.__file__).parent
    running = ".".join(map(str, sys.version_info[:3]))
    return Check("mlo", "ok", f"{mlops_cli.__version__} in {place}, on Python {running}")


def _git(start: Path) -> list[Check]:
    found = git.version(start)
    if _numbers(found) < _numbers(OLDEST_GIT):
        return [Check("git", "fail", f"{found} is older than {OLDEST_GIT}", "install a newer git")]
    who = git.identity(start)
    return [Check("git", "ok", found), Check("you are", "ok", f"{who.name} <{who.email}>")]


def _libraries() -> Check:
    """Compare what is installed with what this version of mlo asks for."""
    from importlib.metadata import PackageNotFoundError, requires, version

    wrong = []
    try:
        wanted = list(_wanted(requires("mlo") or []))
    except PackageNotFoundError:
        return Check("libraries", "warn", "mlo runs from its sources", "pip install .")
    for name, oldest in wanted:
        try:
            found = version(name)
        except PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if _numbers(found) < _numbers(oldest):
            wrong.append(f"{name} {found} is older than {oldest}")
    if wrong:
        return Check("libraries", "fail", "; ".join(wrong), "pip install --upgrade mlo")
    return Check("libraries", "ok", f"{len(wanted)}, all new enough")


def _wanted(requirements: list[str]) -> Iterator[tuple[str, str]]:
    """Yield name and oldest version of what is always needed.

    >>> list(_wanted(["typer<0.29,>=0.28.0", "pyarrow>=26; extra == 'parquet'"]))
    [('typer', '0.28.0')]
    """
    import re

    for requirement in requirements:
        bounds, _, marker = requirement.partition(";")
        if "extra" in marker:
            continue
        name = re.match(r"[A-Za-z0-9._-]+", bounds)
        oldest = re.search(r">=\s*([0-9.]+)", bounds)
        if name and oldest:
            yield name[0], oldest[1]


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, as far as they go.

    >>> _numbers("2.39.5"), _numbers("1.0rc1")
    ((2, 39, 5), (1, 0))
    """
    import re

    leading = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, leading[0].split("."))) if leading else ()


def _settings(repo: Repository) -> list[Check]:
    settings = repo.settings
    if not repo.layout.settings.exists():
        return [Check("settings", "ok", "no .mlops.yaml, so all defaults")]
    told = f"steps: {len(settings.steps)}, models: {len(settings.models)}"
    return [Check("settings", "ok", f".mlops.yaml read; {told}")]


def _store(repo: Repository) -> list[Check]:
    packs = list(repo.layout.packs.glob("*.pack"))
    size = sum(pack.stat().st_size for pack in packs)
    told = f"{len(packs)} packs of {show.size(size)}, {len(repo.refs.all())} refs"
    if not all(os.access(place, os.W_OK) for place in (repo.layout.mlo, repo.layout.packs)):
        hint = "a copy that can be written, to record anything; to read it needs none"
        return [Check("store", "warn", f"{told}; it is read-only for you", hint)]
    return [Check("store", "ok", told)]


def _predictions(repo: Repository) -> list[Check]:
    """Look at the heads of all blocks of the prediction log; no prediction is read."""
    from mlops_cli.data.predictions.holdings import holdings
    from mlops_cli.data.predictions.segment import Tally

    tally = Tally()
    found = holdings(repo, tally=tally)
    if tally.blocks:
        return [Check("predictions", "warn", str(tally), "mlo fsck")]
    if not found:
        return []
    rows, size = sum(one.rows for one in found), sum(one.bytes for one in found)
    return [Check("predictions", "ok", f"{rows:,} in the log, {show.size(size)}")]


def _ignored(repo: Repository) -> list[Check]:
    if git.toplevel(repo.root) is None:
        return [Check("ignored", "warn", "there is no git repository around it", "git init")]
    if git.is_tracked(repo.root, [STORE]):
        hint = f"git rm -r --cached {STORE}, then mlo init"
        return [Check("ignored", "fail", f"git tracks {STORE}", hint)]
    if not git.is_ignored(repo.root, [STORE]):
        return [Check("ignored", "fail", f"git does not ignore {STORE}", "mlo init")]
    return [Check("ignored", "ok", f"git leaves {STORE} alone")]


def _space(repo: Repository) -> Check:
    import shutil

    free = shutil.disk_usage(repo.root).free
    if free < LITTLE_SPACE_BYTES:
        return Check("space", "warn", f"only {show.size(free)} free", "make room on this disk")
    return Check("space", "ok", f"{show.size(free)} free")


def _remotes(repo: Repository) -> list[Check]:
    try:
        names = list(repo.settings.remotes)
    except MloError:
        return []
    return [check for name in names for check in _guarded(f"remote {name}", _remote, repo, name)]


def _remote(repo: Repository, name: str) -> list[Check]:
    from mlops_cli.remotes.remote import connect

    remote = connect(repo, name)
    state = "empty until the first push" if remote.read().raw is None else "reachable"
    return [Check(f"remote {name}", "ok", f"{remote.transport.url}, {state}")]
