"""The work tree as a commit, made beside the user's own work: index, HEAD and files stay.

A copy of git's index takes in what differs from the commit; the tree of it becomes a commit whose
author and dates depend on nothing but its parent, so that the same code is the same commit. A ref
under `refs/mlo/code/` keeps it from git's `gc`; a plain `git push` leaves those refs alone.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.beside import beside
from mlops_cli.core.files import remove_folder
from mlops_cli.core.records import dataclass
from mlops_cli.errors import ExternalError, StateError

REFS = "refs/mlo/code/"
MAX_UNTRACKED = 1000
"""How many files that git does not know a snapshot takes in."""

_SETTINGS = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.logAllRefUpdates=false",
    "-c", "core.safecrlf=false", "-c", "i18n.commitEncoding=UTF-8", "-c", "pack.threads=1",
)  # fmt: skip
"""Nothing of the user's runs, nothing is noted, and the same code gives the same bytes."""
_STATUS = (
    "status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--no-ahead-behind",
    "--ignore-submodules=none",
)  # fmt: skip
_MESSAGE = "Code of a run, recorded by mlo\n"
_AUTHOR = {
    f"GIT_{role}_{fact}": value
    for role in ("AUTHOR", "COMMITTER")
    for fact, value in (("NAME", "mlo"), ("EMAIL", "mlo@localhost"))
}
_FEW = 50
"""So many paths may stand on the command line of git."""
_BEFORE_ALL = 946_684_800
"""When a snapshot before the first commit is from: the beginning of the year 2000."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path, relative to git's top folder, that differs from the commit.

    Attributes:
        untracked: git does not know it.
        committed: mode and blob that the commit has there; None when it has nothing.
        inside: it is a submodule with changes of its own, which a commit here cannot hold.
    """

    path: str
    untracked: bool = False
    committed: tuple[str, str] | None = None
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What git says of a work tree: its top folder, commit, branch, and what differs."""

    top: Path
    commit: str | None
    branch: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A snapshot: its commit, and a git bundle of what the commit of the work tree lacks."""

    commit: str
    bundle: bytes


def standing(root: Path) -> Standing | None:
    """Return how the work tree around `root` differs from its commit; None where there is no git.

    Untracked files are those below `root`, tracked ones those of the whole git repository.

    Raises:
        ExternalError: git is missing or failed.
    """
    root = root.resolve()
    top = _top(root)
    if top is None:
        return None
    whole = top == root
    answer = git.run(top, *_STATUS, f"--untracked-files={'all' if whole else 'no'}", ok=(0, 128))
    if answer.returncode:
        if git.toplevel(root) is None:
            return None
        git.run(top, *_STATUS)
    facts, changes = _read(answer.stdout)
    if not whole:
        prefix = root.relative_to(top).as_posix() + "/"
        changes += [Change(prefix + path, untracked=True) for path in git.untracked(root)]
    commit, branch = facts.get("branch.oid"), facts.get("branch.head")
    return Standing(
        top,
        None if commit == "(initial)" else commit,
        None if branch == "(detached)" else branch,
        tuple(changes),
    )


def make(
    standing: Standing, take: Sequence[Change], undo: Sequence[Change], *, aside: Path
) -> Made | None:
    """Make the snapshot of the commit with the changes `take`, and without the staged ones `undo`.

    None when that is the commit itself, or nothing before the first commit. Where git's folder
    cannot be written to, the snapshot is in the bundle only. `aside` is a folder for temporary
    files.

    Raises:
        ExternalError: git failed, or a file went while it was read.
    """
    with _room(aside) as folder:
        try:
            return _Work(standing, Path(folder), {}).make(take, undo)
        except ExternalError:
            objects = git.run(standing.top, "rev-parse", "--git-path", "objects").stdout
            theirs = os.path.join(standing.top, os.fsdecode(objects.removesuffix(b"\n")))
            quarantine = {
                "GIT_OBJECT_DIRECTORY": os.path.join(folder, "objects"),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.path.abspath(theirs),
            }
            os.mkdir(quarantine["GIT_OBJECT_DIRECTORY"])
            return _Work(standing, Path(folder), quarantine).make(take, undo)


def has(root: Path, commit: str) -> bool:
    """Return whether git has a commit, and its tree."""
    return git.run(root, "cat-file", "-e", commit + "^{tree}", ok=(0, 1, 128)).returncode == 0


def unbundle(root: Path, commit: str, bundle: bytes, *, aside: Path) -> None:
    """Bring a snapshot back from its bundle, and keep it.

    Raises:
        StateError: git lacks the commit that it was made on.
        ExternalError: git cannot read the bundle.
    """
    import tempfile

    with tempfile.NamedTemporaryFile(dir=aside, prefix="code-") as file:
        file.write(bundle)
        file.flush()
        checks = ("-c", "transfer.fsckObjects=true")
        done = git.run(root, *_SETTINGS, *checks, "bundle", "unbundle", file.name, ok=(0, 1, 128))
    if done.returncode or not has(root, commit):
        said = done.stderr.decode("utf-8", "replace")
        if "prerequisite" in said:
            raise StateError(
                f"the commit that the code {commit[:10]} was made on is not in this git repository",
                hint="git fetch --all",
            )
        raise ExternalError(f"git cannot read the code {commit[:10]}: {said.strip()[:200]}")
    git.run(root, *_SETTINGS, "update-ref", REFS + commit, commit)


def difference(root: Path, one: str, other: str) -> str:
    """Return what turns the code of one commit into that of another, as `git apply` reads it."""
    return git.diff(root, one, other).decode("utf-8", "replace")


def kept(root: Path) -> set[str]:
    """Return the snapshots that refs keep."""
    done = git.run(root, "for-each-ref", "--format=%(refname)", REFS, ok=(0, 128))
    return {name.removeprefix(REFS) for name in done.stdout.decode("utf-8", "replace").split()}


def is_kept(top: Path, commit: str) -> bool:
    """Return whether a ref of its own keeps a snapshot, asking only the file system.

    One that git has packed with others counts as not kept.
    """
    folder = _git_folder(top)
    with suppress(OSError):
        folder = folder / os.fsdecode((folder / "commondir").read_bytes()).strip()
    return (folder / REFS / commit).is_file()


def forget(root: Path, commits: Collection[str]) -> None:
    """Let go of snapshots: git drops them when it next cleans up."""
    if commits:
        lines = "".join(f"delete {REFS}{commit}\n" for commit in sorted(commits))
        git.run(root, *_SETTINGS, "update-ref", "--stdin", given=lines.encode())


class _Work:
    """One snapshot in the making, in a folder of its own."""

    def __init__(self, standing: Standing, folder: Path, more: dict[str, str]) -> None:
        self._standing = standing
        self._top = standing.top
        self._index = str(folder / "index")
        self._more = more

    def make(self, take: Sequence[Change], undo: Sequence[Change]) -> Made | None:
        commit, root = self._standing.commit, self._top
        with suppress(FileNotFoundError):
            _copy(f"{_git_folder(root)}/index", self._index)
        if commit is not None:
            form = ("log", "-1", "--no-show-signature", "--format=%ct %T", commit)
            parent = beside(lambda: self._git(*form))
            try:
                self._change_index(take, undo)
                tree = self._git("write-tree")
            finally:
                seconds, _, theirs = parent().partition(" ")
            if theirs == tree:
                return None
        elif not take:
            return None
        else:
            self._change_index(take, undo)
            tree, seconds = self._git("write-tree"), str(_BEFORE_ALL)
        above = () if commit is None else ("-p", commit)
        when = {f"GIT_{role}_DATE": f"{seconds} +0000" for role in ("AUTHOR", "COMMITTER")}
        made = self._git("commit-tree", tree, *above, given=_MESSAGE.encode(), **_AUTHOR, **when)
        bundle = beside(lambda: self._bundle(made))
        if not self._more:
            with suppress(ExternalError):  # another run of the same code is at it
                self._git("update-ref", REFS + made, made)
        return Made(made, bundle())

    def _change_index(self, take: Sequence[Change], undo: Sequence[Change]) -> None:
        """Take changes into the index, and give other paths back what the commit has there."""
        given = b"".join(os.fsencode(one.path) + b"\0" for one in take)
        back = [f"{','.join(one.committed)},{one.path}" for one in undo if one.committed]
        if len(back) == len(undo) <= _FEW:
            told = [word for one in back for word in ("--cacheinfo", one)]
            self._git("update-index", "-z", "--add", "--remove", *told, "--stdin", given=given)
            return
        nothing = "0" * len(self._standing.commit or "0" * 40)
        lines = b"".join(_undone(one, nothing) for one in undo)
        self._git("update-index", "-z", "--index-info", given=lines)
        if take:
            self._git("update-index", "-z", "--add", "--remove", "--stdin", given=given)

    def _bundle(self, made: str) -> bytes:
        """Return a bundle as `git bundle` makes it, which needs a ref that may not be there."""
        commit = self._standing.commit
        revisions = f"{made}\n" + (f"^{commit}\n" if commit else "")
        packing = ("pack-objects", "--quiet", "--thin", "--revs", "--stdout")
        pack = git.run(
            self._top, *_SETTINGS, *packing, given=revisions.encode(), more=self._more
        ).stdout
        head = "# v2 git bundle\n"
        if len(made) > 40:
            head = "# v3 git bundle\n@object-format=sha256\n"
        needs = f"-{commit}\n" if commit else ""
        return f"{head}{needs}{made} {REFS}{made}\n\n".encode() + pack

    def _git(self, *arguments: str, given: bytes = b"", **more: str) -> str:
        done = git.run(
            self._top,
            *_SETTINGS,
            *arguments,
            given=given,
            index=self._index,
            more={**self._more, **more},
        )
        return done.stdout.decode("ascii", "replace").strip()


@contextmanager
def _room(aside: Path) -> Iterator[str]:
    """Make a folder for a `with` block."""
    folder = f"{aside}/code-{os.getpid()}-{os.urandom(6).hex()}"
    os.mkdir(folder)
    try:
        yield folder
    finally:
        remove_folder(folder)


def _copy(index: str, target: str) -> None:
    """Copy an index with its time: git reads again what changed after its index was written."""
    with open(index, "rb") as source, open(target, "wb") as file:
        found = os.fstat(source.fileno())
        file.write(source.read())
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _undone(change: Change, nothing: str) -> bytes:
    """Return the line of `--index-info` that gives a path back what the commit has there."""
    mode, blob = change.committed or ("0", nothing)
    return f"{mode} {blob}\t".encode() + os.fsencode(change.path) + b"\0"


def _read(answer: bytes) -> tuple[dict[str, str], list[Change]]:
    """Return what `git status --porcelain=v2 -z` says: facts by name, and the changes."""
    facts: dict[str, str] = {}
    changes = []
    for line in answer.split(b"\0")[:-1]:
        kind, _, rest = line.partition(b" ")
        if kind == b"#":
            name, _, value = rest.partition(b" ")
            facts[name.decode("ascii")] = os.fsdecode(value)
        elif kind == b"?":
            changes.append(Change(os.fsdecode(rest), untracked=True))
        elif kind == b"1":
            _, sub, mode, _, _, blob, _, path = rest.split(b" ", 7)
            before = None if mode == b"000000" else (mode.decode("ascii"), blob.decode("ascii"))
            inside = sub[:1] == b"S" and sub[2:] != b".."
            changes.append(Change(os.fsdecode(path), committed=before, inside=inside))
        elif kind == b"u":
            changes.append(Change(os.fsdecode(rest.split(b" ", 9)[9])))
    return facts, changes


def _top(root: Path) -> Path | None:
    """Return the folder at or above `root` that has a `.git`."""
    return next((one for one in (root, *root.parents) if (one / ".git").exists()), None)


def _git_folder(top: Path) -> Path:
    """Return where git keeps the index of a work tree: `.git`, or where the file `.git` says."""
    own = top / ".git"
    if own.is_dir():
        return own
    told = os.fsdecode(own.read_bytes()).partition("gitdir:")[2].strip()
    return Path(os.path.join(top, told))
