"""Bringing the code, parameters and outputs of a run back as a branch of git."""

from collections.abc import Mapping
from typing import Any

from mlops_cli.core import git, git_branch, lockfile, yaml_edit, yaml_nodes
from mlops_cli.core.layout import LOCKFILE, SETTINGS
from mlops_cli.core.lockfile import LockedOutput, LockedStep
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.runs import code
from mlops_cli.runs.params import flatten
from mlops_cli.runs.record import Run, StepRun

_MASK = "***"


@dataclass(frozen=True, slots=True)
class Restored:
    """The branch that has a run's code.

    Attributes:
        params: parameters that were set for that run only, and are now in the settings.
        unset: those that could not be written there.
        outputs: how many outputs `mlo.lock` names, which `mlo checkout` brings back.
    """

    run: str
    branch: str
    commit: str
    params: Mapping[str, Any]
    unset: tuple[str, ...]
    outputs: int
    checked_out: bool


def restore(repo: Repository, run: Run, branch: str, *, checkout: bool = False) -> Restored:
    """Make a branch with the code, settings and `mlo.lock` of a run; return what it has.

    The work tree stays as it is, unless it is to be checked out.

    Raises:
        StateError: the code of the run is not known or not here, or there is such a branch.
        RequestError: no branch can have this name.
    """
    git_branch.check(repo.root, branch)
    commit = code.materialize(repo, run)
    place = _Place.find(repo, commit)
    edited, params, unset = place.edited(run)
    lock = _lock(repo, commit, run)
    files: dict[str, bytes] = {}
    if params:
        files[place.path] = edited
    if lock:
        files[LOCKFILE] = lockfile.encode(lock)
    files = {p: data for p, data in files.items() if git.show(repo.root, commit, p) != data}
    if files:
        message = f"Restore run {run.name} {run.key}\n"
        commit = git_branch.commit(repo.root, commit, files, message, aside=repo.layout.tmp)
    git_branch.make(repo.root, branch, commit)
    if checkout:
        git_branch.switch(repo.root, branch)
    outputs = {path for step in run.steps for path in step.outs}
    return Restored(run.name, branch, commit, params, unset, len(outputs), checkout)


@dataclass(frozen=True, slots=True)
class _Place:
    """The file that has the parameters of a commit: the settings, or the one that they name."""

    path: str
    data: bytes

    @staticmethod
    def find(repo: Repository, commit: str) -> "_Place":
        data = git.show(repo.root, commit, SETTINGS) or b""
        held = yaml_nodes.parse(data, where=SETTINGS).plain() if yaml_edit.is_editable(data) else 0
        named = held.get("params") if isinstance(held, dict) else None
        if not isinstance(named, str):
            return _Place(SETTINGS, data)
        return _Place(named, git.show(repo.root, commit, named) or b"")

    def edited(self, run: Run) -> tuple[bytes, dict[str, Any], tuple[str, ...]]:
        """Return it with the run's parameters, those that changed, and those that cannot."""
        if not yaml_edit.is_editable(self.data):
            return self.data, {}, ()
        differing = self._differing(self.data, run)
        above = ("params",) if self.path == SETTINGS else ()
        paths = {(*above, *name.split(".")): value for name, value in differing.items()}
        data = yaml_edit.replaced(self.data, paths, where=self.path)
        left = self._differing(data, run)
        done = {name: value for name, value in differing.items() if name not in left}
        return data, done, tuple(sorted(left))

    def _differing(self, data: bytes, run: Run) -> dict[str, Any]:
        """Return the run's parameters that the file has other values for."""
        held = yaml_nodes.parse(data, where=self.path).plain()
        if self.path == SETTINGS and isinstance(held, dict):
            held = held.get("params")
        written = flatten(held) if isinstance(held, dict) else {}
        return {
            name: run.params[name]
            for name, value in written.items()
            if name in run.params
            and run.params[name] != value
            and _MASK not in str(run.params[name])
        }


def _lock(repo: Repository, commit: str, run: Run) -> dict[str, LockedStep]:
    data = git.show(repo.root, commit, LOCKFILE)
    steps = {} if data is None else lockfile.decode(data, where=LOCKFILE)
    now = repo.settings.steps
    made = {
        step.name: _locked(step, now[step.name].workdir if step.name in now else None)
        for step in run.steps
        if step.state not in _UNDONE
    }
    return {**steps, **made} if made else {}


_UNDONE = ("failed", "skipped")


def _locked(step: StepRun, workdir: str | None) -> LockedStep:
    return LockedStep(
        cmd=step.cmd,
        deps=step.deps,
        params=step.params,
        outs={path: LockedOutput(out.oid, out.kind, out.size) for path, out in step.outs.items()},
        metrics=step.metrics,
        run=step.run,
        workdir=workdir,
    )
