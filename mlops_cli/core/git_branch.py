"""Branches made beside the work tree: index, HEAD and files stay as they are."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.errors import RequestError, StateError


def check(root: Path, name: str) -> None:
    """Raise unless a branch of this name can be made.

    Raises:
        RequestError: git allows no branch of this name.
        StateError: there is one.
    """
    if git.run(root, "check-ref-format", "--branch", name, ok=(0, 1, 128)).returncode:
        raise RequestError(f"'{name}' cannot name a branch", hint="--branch try-again")
    answer = git.run(root, "show-ref", "--verify", "--quiet", f"refs/heads/{name}", ok=(0, 1, 128))
    if answer.returncode == 0:
        raise StateError(f"there is a branch '{name}' already", hint=f"--branch {name}-2")


def commit(
    root: Path, parent: str, files: Mapping[str, bytes], message: str, *, aside: Path
) -> str:
    """Return a new commit on `parent` with these files, by path below `root`, changed.

    `aside` is a folder for temporary files.

    Raises:
        ExternalError: git failed.
    """
    who = git.identity(root)
    author = {
        f"GIT_{role}_{fact}": value
        for role in ("AUTHOR", "COMMITTER")
        for fact, value in (("NAME", who.name), ("EMAIL", who.email))
    }
    prefix = git.run(root, "rev-parse", "--show-prefix").stdout.rstrip(b"\n")
    lines = []
    for path, data in sorted(files.items()):
        blob = git.run(root, "hash-object", "-w", "--stdin", given=data).stdout.strip()
        lines.append(b"100644 %s\t%s%s\0" % (blob, prefix, os.fsencode(path)))
    with tempfile.TemporaryDirectory(dir=aside, prefix="branch-") as folder:
        index = os.path.join(folder, "index")
        git.run(root, "read-tree", parent, index=index)
        git.run(root, "update-index", "-z", "--index-info", given=b"".join(lines), index=index)
        tree = git.run(root, "write-tree", index=index).stdout.decode().strip()
    words = ("commit-tree", tree, "-p", parent, "-F", "-")
    return git.run(root, *words, given=message.encode(), more=author).stdout.decode().strip()


def make(root: Path, name: str, at: str) -> None:
    """Make a branch at a commit.

    Raises:
        ExternalError: git refuses.
    """
    git.run(root, "branch", "--no-track", name, at)


def switch(root: Path, name: str) -> None:
    """Check a branch out.

    Raises:
        StateError: git refuses, as it does where changes would be lost.
    """
    done = git.run(root, "switch", name, ok=(0, 1, 128))
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise StateError(
            f"the branch '{name}' was made, but git does not switch to it: {said}",
            hint=f"git stash; git switch {name}",
        )
