"""The code that is about to run, as a git commit: with all that was not committed, and kept.

What a run's record names is that commit, and a git bundle of it in the store when the project's
own history does not have it; so it comes back in any clone, by `materialize`.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import TYPE_CHECKING

from mlops_cli.core import git_snapshot
from mlops_cli.core.beside import beside
from mlops_cli.core.git_snapshot import MAX_UNTRACKED, Change, Standing
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX, STORE
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, StateError
from mlops_cli.runs import secrets
from mlops_cli.runs.code_cache import Seen

if TYPE_CHECKING:
    from mlops_cli.runs.record import Run

Asked = Callable[[], "State"]
"""Waits for the state of the code, and returns it."""

_TOTAL = 10
"""How many times the largest file all untracked files may have together."""
_SEARCHED_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class State:
    """What git says of the project.

    Attributes:
        commit: what is checked out; None before the first commit, or where there is no git.
        branch: its branch; None when there is none.
        snapshot: the commit that has the code as it is, `commit` itself where nothing differs.
        bundle: a git bundle of the snapshot; empty when it is the commit itself.
        left_out: why a path that differs is not in the snapshot, by path.
        problem: why there is no snapshot.
    """

    commit: str | None = None
    branch: str | None = None
    snapshot: str | None = None
    bundle: bytes = b""
    left_out: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def dirty(self) -> bool:
        """Whether the commit alone does not give this code."""
        return self.snapshot != self.commit or bool(self.left_out)


def ask(repo: Repository) -> Asked:
    """Begin to look at the code, and at who is at work, while this thread does something else."""
    who = beside(lambda: repo.identity)

    def look() -> State:
        try:
            return state(repo)
        finally:
            who()

    return beside(look)


def state(repo: Repository) -> State:
    """Return the state of the project's code, after making a snapshot of it where it is needed.

    What mlo writes itself (`mlo.lock`) and versioned data are no part of it. Untracked files are
    left out when they are large, very many, or look like secrets. Nothing that git refuses keeps
    a run from starting: `problem` says it.
    """
    try:
        standing = git_snapshot.standing(repo.root)
    except ExternalError as error:
        return State(problem=error.message)
    if standing is None:
        return State(problem="the project is in no git repository")
    take, undo, left_out = _sorted_out(repo, standing)
    commit, branch = standing.commit, standing.branch
    if not take and not undo:
        return State(commit, branch, commit, b"", left_out)
    seen = Seen(repo, standing, take, undo)
    made = seen.known()
    if made is None:
        try:
            made = git_snapshot.make(standing, take, undo, aside=repo.layout.tmp)
        except (ExternalError, OSError) as error:
            return State(commit, branch, None, b"", left_out, str(error))
        if made is not None:
            seen.keep(made)
    if made is None:
        return State(commit, branch, commit, b"", left_out)
    return State(commit, branch, made.commit, made.bundle, left_out)


def materialize(repo: Repository, run: "Run") -> str:
    """Return the commit that has a run's code, after bringing it into git if it is not there.

    Raises:
        StateError: the run has no snapshot, or git lacks the commit that it was made on.
        MissingObject: the bundle is not in this store.
    """
    code = run.code
    if code.snapshot is None:
        why = f": {code.problem}" if code.problem else ""
        raise StateError(f"run {run.name} has no snapshot of its code{why}")
    if git_snapshot.has(repo.root, code.snapshot):
        return code.snapshot
    if code.bundle is None:
        raise StateError(
            f"the commit {code.snapshot[:10]} of run {run.name} is not in this git repository",
            hint="git fetch --all",
        )
    from mlops_cli.runs.supply import supply

    supply(repo, {code.bundle: f"the code of run '{run.name}'"})
    bundle = repo.objects.get(code.bundle)
    git_snapshot.unbundle(repo.root, code.snapshot, bundle, aside=repo.layout.tmp)
    return code.snapshot


def difference(repo: Repository, run: "Run", other: "Run") -> str:
    """Return what turns the code of one run into that of another, as `git diff` prints it.

    Raises:
        StateError, MissingObject: as of `materialize`.
    """
    one, two = materialize(repo, run), materialize(repo, other)
    return "" if one == two else git_snapshot.difference(repo.root, one, two)


def _sorted_out(
    repo: Repository, standing: Standing
) -> tuple[list[Change], list[Change], dict[str, str]]:
    """Return the changes to take in, those to undo, and why others are left out."""
    take: list[Change] = []
    undo: list[Change] = []
    left_out: dict[str, str] = {}
    untracked: dict[str, tuple[Change, int]] = {}
    limit = repo.settings.hooks.max_file_bytes
    data = _Data(standing.top)
    for change in standing.changes:
        parts = change.path.rstrip("/").split("/")
        if parts[-1] == LOCKFILE:
            undo += [] if change.untracked else [change]
        elif STORE in parts or data.holds(parts):
            continue
        elif change.untracked:
            size, why = _weighed(standing.top / change.path, limit)
            if why is None:
                untracked[change.path] = change, size
            elif why:
                left_out[change.path] = why
        else:
            take.append(change)
            if change.inside:
                left_out[change.path] = "a submodule with changes of its own"
    too_much = _too_much(repo.root, standing.top, untracked, limit)
    left_out.update(too_much)
    kept = [
        change
        for path, (change, _) in untracked.items()
        if _group(repo.root, standing.top, path) not in too_much
    ]
    return [*take, *kept], undo, dict(sorted(left_out.items()))


class _Data:
    """Tells paths that are versioned data: beside them, or a folder above, stands a pointer."""

    def __init__(self, top: Path) -> None:
        self._top = os.fspath(top)
        self._known: dict[str, bool] = {}

    def holds(self, parts: list[str]) -> bool:
        path = self._top
        for part in parts:
            path = f"{path}/{part}"
            if path not in self._known:
                self._known[path] = os.path.lexists(path + POINTER_SUFFIX)
            if self._known[path]:
                return True
        return False


def _weighed(path: Path, limit: int) -> tuple[int, str | None]:
    """Return an untracked file's size, and why it is left out; "" for what is gone by now."""
    try:
        found = path.lstat()
        if S_ISLNK(found.st_mode):
            return found.st_size, None
        if not S_ISREG(found.st_mode):
            return 0, "a git repository" if path.is_dir() else "no file"
        if limit and found.st_size > limit:
            return 0, f"larger than {limit} bytes"
        if secrets.is_secret_file(path.name):
            return 0, "may hold secrets"
        with path.open("rb") as file:
            if secrets.shown_in(file.read(_SEARCHED_BYTES)):
                return 0, "holds what looks like a secret"
    except FileNotFoundError:
        return 0, ""
    except OSError as error:
        return 0, (error.strerror or str(error)).lower()
    return found.st_size, None


def _too_much(
    root: Path, top: Path, untracked: Mapping[str, tuple[Change, int]], limit: int
) -> dict[str, str]:
    """Return the folders to leave out until the untracked files are few and small enough."""
    groups: dict[str, list[int]] = {}
    for path, (_, size) in untracked.items():
        groups.setdefault(_group(root, top, path), []).append(size)
    count = sum(map(len, groups.values()))
    total = sum(map(sum, groups.values()))
    gone: dict[str, str] = {}
    while count > MAX_UNTRACKED or (limit and total > _TOTAL * limit):
        weigh = len if count > MAX_UNTRACKED else sum
        _, worst = max((weigh(sizes), folder) for folder, sizes in groups.items())
        sizes = groups.pop(worst)
        gone[worst] = f"{len(sizes)} untracked files, {sum(sizes)} bytes"
        count, total = count - len(sizes), total - sum(sizes)
    return gone


def _group(root: Path, top: Path, path: str) -> str:
    """Return the folder that a file counts with: the first one below the project, or `.`."""
    below = path
    if top != root:
        below = os.path.relpath(os.path.join(top, path), root)
    folder, slash, _ = below.partition("/")
    return folder + slash if slash else "."
