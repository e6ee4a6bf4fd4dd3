"""What the steps of the pipeline last made, as `mlo.lock` says: versions without pointers."""

from mlops_cli.core import lockfile
from mlops_cli.core.layout import LOCKFILE
from mlops_cli.core.lockfile import LockedOutput
from mlops_cli.core.repository import Repository


def outputs(repo: Repository, rev: str | None = None) -> dict[str, LockedOutput]:
    """Return the outputs of all steps by path, of the work tree or of a git revision.

    Raises:
        RequestError: the lock file is malformed, or there is no such revision.
    """
    steps = lockfile.read(repo.layout.lockfile) if rev is None else _at(repo, rev)
    return {path: out for step in steps.values() for path, out in step.outs.items()}


def _at(repo: Repository, rev: str) -> dict[str, lockfile.LockedStep]:
    from mlops_cli.core import git

    data = git.show(repo.root, rev, LOCKFILE)
    return {} if data is None else lockfile.decode(data, where=f"{LOCKFILE}@{rev}")
