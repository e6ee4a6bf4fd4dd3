"""Another git repository: a copy of it for a while, and what a commit of it has."""

import shutil
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.errors import ExternalError


def clone(root: Path, url: str, target: Path, revision: str | None) -> None:
    """Clone without a work tree: only the commit that is meant, where git can get it by a name.

    Raises:
        ExternalError: git cannot.
    """
    branch = [f"--branch={revision}"] if revision else []
    shallow = ("clone", "--quiet", "--bare", "--depth=1", *branch, "--", url, str(target))
    if git.run(root, *shallow, ok=(0, 128, 129)).returncode == 0:
        return
    shutil.rmtree(target, ignore_errors=True)
    try:
        git.run(root, "clone", "--quiet", "--bare", "--", url, str(target))
    except ExternalError as error:
        raise ExternalError(
            f"cannot clone '{url}': {error.message.removeprefix('git clone: ')}",
            hint="see whether `git clone` can, with your credentials",
        ) from error


def files_at(root: Path, commit: str, path: str) -> dict[str, tuple[str, str]]:
    """Return mode and git's id of the file at `path` of a commit, or of all files below it."""
    found: dict[str, tuple[str, str]] = {}
    listed = git.run(root, "ls-tree", "-r", "-z", commit, "--", path).stdout
    for line in listed.split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        mode, kind, oid = facts.decode("ascii").split()
        if kind == "blob":
            found[name.decode("utf-8", "surrogateescape")] = (mode, oid)
    return found
