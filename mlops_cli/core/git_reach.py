"""Everything git keeps of files with certain names: history, indexes and work trees.

History is what any ref, reflog or work tree's head leads to, stashes and operations under way
included. What git cannot say for certain is refused, for `gc` drops what is not in the answer.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.errors import StateError

_UNDER_WAY = (
    "MERGE_HEAD", "MERGE_AUTOSTASH", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD",
    "rebase-merge/orig-head", "rebase-merge/autostash",
    "rebase-apply/orig-head", "rebase-apply/autostash",
)  # fmt: skip
_RAW = (
    "diff-tree", "--stdin", "--root", "-m", "-r", "-z", "--raw", "--no-abbrev", "--no-renames",
    "--",
)  # fmt: skip
_FILE_MODES = ("100644", "100755", "100664")
_BLOBS_AT_ONCE = 2_000


def refuse_partial(root: Path) -> None:
    """Raise StateError unless the git repository around `root` has all of its history.

    Raises:
        StateError: there is no git repository, or it is a shallow or a partial clone.
    """
    if git.toplevel(root) is None:
        raise StateError(
            f"'{root}' is not in a git repository, so nothing tells which versions are needed",
            hint="work in a clone of the project",
        )
    if git.run(root, "rev-parse", "--is-shallow-repository").stdout.strip() != b"false":
        raise StateError(
            "this is a shallow git clone, which does not know all versions",
            hint="git fetch --unshallow",
        )
    marks = ("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$")
    if git.run(root, *marks, ok=(0, 1)).stdout.strip():
        raise StateError(
            "this is a partial git clone, which does not have all versions",
            hint="work in a whole clone of the project",
        )


def worktrees(root: Path) -> list[Path]:
    """Return the top folders of all work trees of the git repository around `root`.

    Raises:
        StateError: one is not there.
    """
    found: list[Path] = []
    listed = git.run(root, "worktree", "list", "--porcelain").stdout
    for block in listed.split(b"\n\n"):
        first, _, rest = block.partition(b"\n")
        if not first.startswith(b"worktree ") or b"bare" in rest.split(b"\n"):
            continue
        top = Path(os.fsdecode(first.removeprefix(b"worktree ")))
        if not top.is_dir():
            raise StateError(
                f"the git work tree '{top}' is not there, so nothing tells what it needs",
                hint="bring it back, or let go of it: git worktree prune",
            )
        found.append(top)
    return found


def commits(root: Path, tops: Iterable[Path]) -> set[str]:
    """Return the ids of all commits that git keeps, also for what is half done in `tops`."""
    more = sorted({commit for top in tops for commit in _under_way(top)})
    given = "".join(f"{commit}\n" for commit in more).encode("ascii")
    arguments = ("--no-replace-objects", "rev-list", "--all", "--reflog", "--stdin")
    return set(git.run(root, *arguments, given=given).stdout.decode("ascii").split())


def _under_way(top: Path) -> Iterator[str]:
    """Yield the commits that only an operation under way in a work tree names."""
    names = [word for name in _UNDER_WAY for word in ("--git-path", name)]
    for place in git.run(top, "rev-parse", *names).stdout.split(b"\n")[:-1]:
        try:
            with open(os.path.join(os.fsencode(top), place), "rb") as file:
                words = [line.split()[:1] for line in file]
        except FileNotFoundError:
            continue
        given = b"".join(word[0] + b"\n" for word in words if word)
        for line in git.run(top, "cat-file", "--batch-check", given=given).stdout.splitlines():
            if line.endswith(b" missing"):
                continue
            commit, kind, _ = line.decode("ascii").split()
            if kind == "commit":
                yield commit


def changes(root: Path, commits: Iterable[str], *patterns: str) -> Iterator[tuple[str, str, str]]:
    """Yield commit, path and blob of each file that matches a pattern and that a commit changed.

    Each commit is compared with each of its parents, so of all commits of a history these are all
    blobs that any of them has. A `*` in a pattern also stands for slashes; paths start from the
    top folder of the git repository.
    """
    given = "".join(f"{commit}\n" for commit in commits).encode("ascii")
    arguments = ("--no-replace-objects", *_RAW, *patterns)
    fields = iter(git.run(root, *arguments, literal=False, given=given).stdout.split(b"\0"))
    commit = ""
    for field in fields:
        if not field.startswith(b":"):
            commit = field.decode("ascii")
            continue
        _, mode, _, blob, _ = field.decode("ascii").split()
        path = os.fsdecode(next(fields))
        if mode in _FILE_MODES:
            yield commit, path, blob


def staged(top: Path, *patterns: str) -> list[tuple[str, str]]:
    """Return path and blob of each file in a work tree's index; all sides of a conflict."""
    done = git.run(top, "ls-files", "-z", "--stage", "--", *patterns, literal=False)
    found = []
    for line in done.stdout.split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        mode, blob, _ = facts.decode("ascii").split()
        if mode in _FILE_MODES:
            found.append((os.fsdecode(name), blob))
    return found


def contents(root: Path, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield each blob with its bytes, some thousand at a time in memory.

    Raises:
        StateError: git has lost one.
    """
    waiting = list(blobs)
    for start in range(0, len(waiting), _BLOBS_AT_ONCE):
        some = waiting[start : start + _BLOBS_AT_ONCE]
        given = "".join(f"{blob}\n" for blob in some).encode("ascii")
        answer = git.run(root, "cat-file", "--batch", given=given).stdout
        at = 0
        for blob in some:
            end = answer.index(b"\n", at)
            _, kind, *size = answer[at:end].split()
            if kind != b"blob":
                raise StateError(f"git has lost the file {blob} of its history", hint="git fsck")
            yield blob, answer[end + 1 : end + 1 + int(size[0])]
            at = end + 1 + int(size[0]) + 1
