"""One commit without its history, as bytes: made here, and laid out where there is no clone."""

import os
from pathlib import Path

from mlops_cli.core import git

_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "pack.threads=1")


def pack(root: Path, commit: str) -> bytes:
    """Return a commit and all its files as one of git's packs.

    Raises:
        ExternalError: git has no such commit, or failed.
    """
    listed = git.run(root, "rev-list", "--objects", "--no-walk", commit, "--").stdout
    return git.run(root, *_QUIET, "pack-objects", "--quiet", "--stdout", given=listed).stdout


def lay_out(folder: Path, commit: str, data: bytes) -> None:
    """Make a git repository at `folder` that has this commit and no other, with no files out.

    Raises:
        ExternalError: git cannot read the pack.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = "sha256" if len(commit) > 40 else "sha1"
    git.run(folder, "init", "--quiet", "--template=", f"--object-format={kind}", ".", literal=False)
    git.run(folder, *_QUIET, "index-pack", "--stdin", given=data)
    with open(os.path.join(folder, ".git", "shallow"), "w", encoding="ascii") as file:
        file.write(commit + "\n")
    git.run(folder, "update-ref", "--no-deref", "HEAD", commit)
