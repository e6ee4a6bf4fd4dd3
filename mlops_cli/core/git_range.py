"""What lies between commits: the files that differ, and what a push would send.

Paths are relative to `top`, the top folder of the git repository.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from mlops_cli.core import git


def is_nothing(commit: str) -> bool:
    """Return whether git means no commit at all by this id.

    >>> is_nothing("0000000000000000000000000000000000000000")
    True
    """
    return not commit.strip("0")


def commit_of(top: Path, name: str) -> str | None:
    """Return the commit that a name such as `ORIG_HEAD` stands for, None when there is none."""
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    done = git.run(top, *arguments, ok=(0, 1, 128))
    return done.stdout.decode("ascii").strip() or None


def is_ancestor(top: Path, old: str, new: str) -> bool:
    """Return whether a commit is in the history of another, or is that one."""
    done = git.run(top, "merge-base", "--is-ancestor", old, new, ok=(0, 1, 128))
    return done.returncode == 0


def changed(top: Path, old: str, new: str, *patterns: str) -> list[str]:
    """Return the files that differ between two commits and match one of the patterns."""
    arguments = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new, "--", *patterns)
    done = git.run(top, *arguments, literal=False)
    return [os.fsdecode(name) for name in done.stdout.split(b"\0")[:-1]]


def introduced(
    top: Path, commit: str, known: Iterable[str], *patterns: str
) -> list[tuple[str, str]]:
    """Return path and blob of each file version that leads to `commit` and is new.

    New is what no commit has that is in `known`: ids, or options such as `--remotes=origin`.
    """
    form = ("--format=", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-show-signature")
    which = ("-m", "--full-history", "--diff-filter=ACMT", commit, "--not", *known)
    arguments = ("log", *form, *which, "--", *patterns)
    fields = iter(git.run(top, *arguments, literal=False).stdout.split(b"\0"))
    found: dict[tuple[str, str], None] = {}
    for facts in fields:
        if facts.lstrip(b"\n").startswith(b":"):  # else it ends what there is of a commit
            blob = facts.decode("ascii").split()[3]
            found[os.fsdecode(next(fields)), blob] = None
    return list(found)


def held(top: Path, commit: str, *suffixes: str) -> list[tuple[str, str]]:
    """Return path and blob of each file of a commit whose name ends in one of the suffixes."""
    listed = git.run(top, "ls-tree", "-r", "-z", "--full-tree", commit).stdout
    found = []
    for line in listed.split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        mode, kind, blob = facts.decode("ascii").split()
        path = os.fsdecode(name)
        if kind == "blob" and mode != "120000" and path.endswith(suffixes):
            found.append((path, blob))
    return found
