"""What git's index holds: what is about to be committed, and what a merge left open.

`index` is the index file of a commit under way, which git names to its hooks in
`GIT_INDEX_FILE`: that of `git commit FILE` is not the usual one. Paths are relative to `top`, the
top folder of the git repository.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError, StateError

_NOTHING = "0" * 40
_LINK = "120000"
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that a commit would add or change: its blob, and the bytes of it."""

    path: str
    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class Unmerged:
    """A file that both sides of a merge have and changed; the blobs, `base` None if both new."""

    path: str
    base: str | None
    ours: str
    theirs: str


def staged(top: Path, index: str | None = None) -> list[Staged]:
    """Return the files, without links, that a commit of the index would add or change."""
    form = ("--raw", "-z", "--no-abbrev", "--no-renames", "--no-relative", "--no-ext-diff")
    which = ("--cached", "--ignore-submodules=all", "--diff-filter=ACMT")
    fields = git.run(top, "diff", *form, *which, index=index).stdout.split(b"\0")
    found = []
    for facts, name in zip(fields[0:-1:2], fields[1::2], strict=True):
        _, mode, _, blob, _ = facts.decode("ascii").split()
        if mode not in (_LINK, _SUBMODULE):
            found.append((os.fsdecode(name), blob))
    sizes = _sizes(top, [blob for _, blob in found])
    return [Staged(path, blob, sizes[blob]) for path, blob in found]


def files(top: Path, *patterns: str, index: str | None = None) -> set[str]:
    """Return the files in the index that match one of the patterns."""
    done = git.run(top, "ls-files", "-z", "--cached", "--", *patterns, literal=False, index=index)
    return {os.fsdecode(name) for name in done.stdout.split(b"\0")[:-1]}


def unmerged(top: Path, *patterns: str) -> list[Unmerged]:
    """Return the files that a merge left open and both sides have, sorted by path."""
    done = git.run(top, "ls-files", "-z", "--unmerged", "--", *patterns, literal=False)
    stages: dict[str, dict[int, str]] = {}
    for line in done.stdout.split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        _, blob, stage = facts.decode("ascii").split()
        stages.setdefault(os.fsdecode(name), {})[int(stage)] = blob
    return [
        Unmerged(path, blobs.get(1), blobs[2], blobs[3])
        for path, blobs in sorted(stages.items())
        if 2 in blobs and 3 in blobs
    ]


def content(top: Path, path: str, index: str | None = None) -> bytes | None:
    """Return the bytes of a file in the index, None when it is not there or not merged."""
    done = git.run(top, "cat-file", "blob", f":0:{path}", index=index, ok=(0, 128))
    return None if done.returncode else done.stdout


def contents(top: Path, blobs: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of blobs by their ids, read by one git process."""
    if not blobs:
        return {}
    answer = git.run(top, "cat-file", "--batch", given=_lines(blobs)).stdout
    found: dict[str, bytes] = {}
    at = 0
    for blob in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        found[blob] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def stage(top: Path, path: str) -> None:
    """Put a file of the work tree into the index, which settles it where a merge left it open."""
    git.run(top, "add", "--force", "--", path)


def drop(root: Path, paths: Sequence[str]) -> None:
    """Take files out of the index, those that are in it; the work tree stays as it is."""
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)
    git.run(root, "update-index", "-z", "--force-remove", "--stdin", given=given)


def move(root: Path, old: str, new: str) -> None:
    """Move a file in the index and the work tree, as `git mv` does; it must be in the index."""
    git.run(root, "mv", "--", old, new)


def is_as_staged(root: Path, path: str) -> bool:
    """Return whether a file of the index is in the work tree as it is there."""
    if not git.is_tracked(root, [path]):
        return False
    return git.run(root, "diff", "--quiet", "--", path, ok=(0, 1)).returncode == 0


def operation(top: Path) -> str | None:
    """Return what is half done in the work tree: a `merge`, `rebase`, `cherry-pick` or `revert`."""
    marks = {
        "MERGE_HEAD": "merge",
        "rebase-merge": "rebase",
        "rebase-apply": "rebase",
        "CHERRY_PICK_HEAD": "cherry-pick",
        "REVERT_HEAD": "revert",
    }
    arguments = [word for mark in marks for word in ("--git-path", mark)]
    places = git.run(top, "rev-parse", *arguments).stdout.split(b"\n")
    for place, name in zip(places, marks.values(), strict=False):
        if os.path.lexists(os.path.join(os.fsencode(top), place)):
            return name
    return None


def remotes(top: Path) -> list[str]:
    """Return the names of git's remotes."""
    return git.run(top, "remote").stdout.decode("utf-8", "surrogateescape").splitlines()


def top_of(start: Path) -> Path:
    """Return the top folder of the git work tree around `start`.

    Raises:
        StateError: there is none.
    """
    top = git.toplevel(start)
    if top is None:
        raise StateError(f"'{start}' is not in a git repository", hint="git init")
    return top


def _sizes(top: Path, blobs: Sequence[str]) -> Mapping[str, int]:
    if not blobs:
        return {}
    answer = git.run(top, "cat-file", "--batch-check", given=_lines(blobs)).stdout
    sizes: dict[str, int] = {}
    for line in answer.decode("ascii").splitlines():
        blob, kind, size = line.split()
        if kind == "missing":
            raise RequestError(f"git has lost the blob {blob}", hint="git fsck")
        sizes[blob] = int(size)
    return sizes


def _lines(blobs: Sequence[str]) -> bytes:
    return "".join(f"{blob}\n" for blob in blobs).encode("ascii")
