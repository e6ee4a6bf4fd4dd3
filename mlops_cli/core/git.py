"""The only module that knows git: it runs the `git` command, and reads what it prints.

GitPython makes repositories. Questions go to the command itself, which answers one in 3 ms where
importing GitPython takes 60.

Every path in and out is POSIX and relative to `root`, the project's folder, which may lie
deeper than git's own top folder. Paths are taken literally (no `*`) except as patterns of
`list_files`. Outside a git repository nothing is committed and nothing is tracked; only what
would be wrong to leave unanswered raises StateError.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass
from mlops_cli.errors import ExternalError, RequestError, StateError

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    Done = CompletedProcess[bytes]

_OF_ANOTHER_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    "LANGUAGE",
)
"""What git sets for its hooks: it would answer for the hook's repository, not for `root`."""

_DIFF = (
    "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative",
    "--ignore-submodules=none", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
"""A diff that the user's settings do not change, so that `git apply` reads it anywhere."""

_NOTHING_MORE: Mapping[str, str] = MappingProxyType({})
_NOT_HERE = ("not a git repository", "must be run in a work tree")
_HINTS = {
    "dubious ownership": "git config --global --add safe.directory '{root}'",
    "index.lock": "another git command is at work: wait until it has ended",
    "dentity unknown": 'git config --global user.name "..." and user.email "..."',
    "tell me who you are": 'git config --global user.name "..." and user.email "..."',
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is at work."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit in a history."""

    hex: str
    author: Identity
    when: str
    """When it was committed, UTC."""
    subject: str


def version(start: Path) -> str:
    """Return the version of git, such as `2.39.5`."""
    return run(start, "--version", literal=False).stdout.decode("ascii", "replace").split()[2]


def toplevel(start: Path) -> Path | None:
    """Return the top folder of the git work tree that holds `start`, or None outside of one."""
    done = run(start, "rev-parse", "--show-toplevel", ok=(0, 128))
    if done.returncode:
        _pass_if_none(done, start)
        return None
    return Path(os.fsdecode(done.stdout.removesuffix(b"\n")))


def identity(root: Path) -> Identity:
    """Return who git says is at work; the system's `user@host` when it cannot tell."""
    try:
        done = run(root, "var", "GIT_AUTHOR_IDENT", ok=(0, 1, 128))
    except ExternalError:
        return _system_user()
    name, _, rest = done.stdout.decode("utf-8", "replace").rpartition(" <")
    email, closed, _ = rest.partition("> ")
    if done.returncode or not closed or not name:
        return _system_user()
    return Identity(name, email)


def head(root: Path) -> str | None:
    """Return the hex id of the commit that is checked out; None before the first."""
    done = run(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))
    if done.returncode == 128:
        _pass_if_none(done, root)
    return done.stdout.decode("ascii").strip() or None


def branch(root: Path) -> str | None:
    """Return the name of the branch, which may have no commit yet; None on a detached head."""
    done = run(root, "symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1, 128))
    if done.returncode == 128:
        _pass_if_none(done, root)
    return os.fsdecode(done.stdout.removesuffix(b"\n")) or None


def diff(root: Path, one: str, other: str) -> bytes:
    """Return what turns the files of one commit into those of another, for `git apply`.

    It holds binary content too, and is empty when nothing differs.
    """
    return run(root, *_DIFF, "--binary", "--full-index", one, other).stdout


def untracked(root: Path) -> list[str]:
    """Return the files below `root` that git neither tracks nor ignores, sorted."""
    done = run(root, "ls-files", "-z", "--others", "--exclude-standard", ok=(0, 128))
    if done.returncode:
        _pass_if_none(done, root)
    return sorted(_names(done.stdout))


def list_files(root: Path, *patterns: str) -> list[str]:
    """Return the files below `root` that git tracks or would track, sorted.

    A file that was deleted but is still tracked is among them. In a pattern such as `*.csv`
    the `*` also stands for slashes; with no pattern all files are meant.

    Raises:
        StateError: `root` is not in a git repository.
    """
    arguments = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns)
    done = run(root, *arguments, literal=False, ok=(0, 128))
    if done.returncode:
        _pass_if_none(done, root)
        raise StateError(f"'{root}' is not in a git repository", hint="git init")
    return sorted(set(_names(done.stdout)))


def list_ignored(root: Path, folders: Sequence[str]) -> list[str]:
    """Return the files in these folders that git ignores, sorted; none where there is no git.

    They are relative to `root`, as the folders are.
    """
    options = ("-z", "--others", "--ignored", "--exclude-standard")
    done = run(root, "ls-files", *options, "--", *folders, ok=(0, 128))
    if done.returncode:
        _pass_if_none(done, root)
    return sorted(_names(done.stdout))


def is_tracked(root: Path, paths: Sequence[str]) -> set[str]:
    """Return the files that git tracks among `paths`, and below those that are folders."""
    found: set[str] = set()
    for some in _batches(paths):
        done = run(root, "ls-files", "-z", "--", *some, ok=(0, 128))
        if done.returncode:
            _pass_if_none(done, root)
            return set()
        found.update(_names(done.stdout))
    return found


def is_ignored(root: Path, paths: Sequence[str]) -> set[str]:
    """Return those of `paths` that git ignores; tracked files are not."""
    if not paths:
        return set()
    given = _joined("./" + path for path in paths)  # check-ignore knows no literal pathspecs
    arguments = ("check-ignore", "-z", "--stdin")
    done = run(root, *arguments, literal=False, ok=(0, 1, 128), given=given)
    if done.returncode == 128:
        _pass_if_none(done, root)
    return {name.removeprefix("./") for name in _names(done.stdout)}


def resolve(root: Path, rev: str) -> str:
    """Return the hex id of the commit that `rev` names.

    Raises:
        RequestError: it names none.
        StateError: `root` is not in a git repository.
    """
    if rev and not rev.startswith("-") and "\0" not in rev:
        arguments = ("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
        done = run(root, *arguments, ok=(0, 1, 128))
        if done.returncode == 0:
            return done.stdout.decode("ascii").strip()
        if _complains(done, *_NOT_HERE):
            raise StateError(f"'{root}' is not in a git repository", hint="git init")
        if _complains(done, "dubious ownership"):
            raise _failure(done, root, "rev-parse")
    raise RequestError(f"'{rev}' is not a commit that git knows", hint="git log --oneline --all")


def show(root: Path, rev: str, path: str) -> bytes | None:
    """Return the bytes of a file as of a commit, or None when it was not there.

    Raises:
        RequestError, StateError: as of `resolve`.
    """
    commit = resolve(root, rev)
    listed = run(root, "ls-tree", "-z", commit, "--", path.rstrip("/")).stdout
    kind, oid = _entry(listed.partition(b"\0")[0])[:2] if listed else ("", "")
    return run(root, "cat-file", "blob", oid).stdout if kind == "blob" else None


def files_at(root: Path, rev: str, suffix: str = "") -> list[str]:
    """Return the files below `root` as of a commit whose names end in `suffix`, sorted.

    Raises:
        RequestError, StateError: as of `resolve`.
    """
    return sorted(name for name, _ in _blobs(root, rev, suffix))


def contents_at(root: Path, rev: str, suffix: str = "") -> dict[str, bytes]:
    """Return the bytes of each file that `files_at` lists, read by one git process.

    Raises:
        RequestError, StateError: as of `resolve`.
    """
    blobs = sorted(_blobs(root, rev, suffix))
    if not blobs:
        return {}
    wanted = "".join(f"{oid}\n" for _, oid in blobs).encode()
    answer = run(root, "cat-file", "--batch", given=wanted).stdout
    found: dict[str, bytes] = {}
    at = 0
    for name, _ in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        found[name] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def init(root: Path) -> None:
    """Make `root` a git repository; harmless where it is one.

    Raises:
        ExternalError: git was not found, or cannot make one there.
    """
    run(root, "--version")
    import git as gitpython

    try:
        gitpython.Repo.init(root).close()
    except (gitpython.exc.GitError, OSError) as error:
        raise ExternalError(f"git cannot make a repository in '{root}': {error}") from error


def add(root: Path, paths: Sequence[str]) -> None:
    """Stage files and folders as they are in the work tree."""
    if paths:
        reader = ("--pathspec-from-file=-", "--pathspec-file-nul")
        run(root, "add", *reader, given=_joined(paths))


def commit(root: Path, message: str) -> str:
    """Commit what is staged, as the user and with the user's hooks; return the commit's hex id.

    Raises:
        StateError: nothing is staged.
        ExternalError: a hook refused, or git does not know who the user is.
    """
    if run(root, "diff", "--cached", "--quiet", ok=(0, 1)).returncode == 0:
        raise StateError("nothing is staged to commit", hint="git add PATH")
    run(root, "commit", "--quiet", "--file=-", given=message.encode("utf-8", "surrogateescape"))
    return resolve(root, "HEAD")


def run(
    root: Path,
    *arguments: str,
    ok: tuple[int, ...] = (0,),
    given: bytes = b"",
    literal: bool = True,
    index: str | None = None,
    more: Mapping[str, str] = _NOTHING_MORE,
) -> "Done":
    """Run git in `root`, with `given` on its standard input, and return what it printed.

    Meant for the modules of `core` that ask git more than is asked here. `index` is an index
    file other than git's own, and `more` are further variables of its environment.

    Raises:
        ExternalError: git was not found, or its exit status is not one of `ok`.
    """
    import subprocess

    pathspecs = ["--literal-pathspecs"] if literal else []
    line = ["git", "-C", str(root), *pathspecs, *arguments]
    environment = {**_environment(), **more}
    if index is not None:
        environment["GIT_INDEX_FILE"] = index
    try:
        done = subprocess.run(line, input=given, capture_output=True, env=environment, check=False)
    except (FileNotFoundError, PermissionError) as error:
        raise ExternalError("git was not found", hint="install git: https://git-scm.com") from error
    if done.returncode not in ok:
        raise _failure(done, root, arguments[0])
    return done


def _environment() -> dict[str, str]:
    """Return the environment for git: about `root` only, in English, and asking nothing."""
    environment = {k: v for k, v in os.environ.items() if k not in _OF_ANOTHER_REPOSITORY}
    environment.update(LC_ALL="C.UTF-8", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0")
    return environment


def _failure(done: "Done", root: Path, verb: str) -> ExternalError:
    """Return the error that says what git said."""
    said = (done.stderr or done.stdout).decode("utf-8", "replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = lines[0] if lines else f"exit status {done.returncode}"
    first = first.removeprefix("fatal: ").removeprefix("error: ")
    hint = next((hint for part, hint in _HINTS.items() if part in said), None)
    return ExternalError(f"git {verb}: {first}", hint=hint and hint.format(root=root))


def _complains(done: "Done", *parts: str) -> bool:
    said = done.stderr.decode("utf-8", "replace")
    return any(part in said for part in parts)


def _pass_if_none(done: "Done", root: Path) -> None:
    """Raise what git complained of, unless it is that there is no repository here."""
    if not _complains(done, *_NOT_HERE):
        raise _failure(done, root, "repository")


def _blobs(root: Path, rev: str, suffix: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the blob's id of each file of a commit; links and submodules are none."""
    listed = run(root, "ls-tree", "-r", "-z", resolve(root, rev)).stdout
    for line in listed.split(b"\0")[:-1]:
        kind, oid, name, mode = _entry(line)
        if kind == "blob" and mode != "120000" and name.endswith(suffix):
            yield name, oid


def _entry(line: bytes) -> tuple[str, str, str, str]:
    """Return kind, id, name and mode of a line of `git ls-tree`."""
    facts, _, name = line.partition(b"\t")
    mode, kind, oid = facts.decode("ascii").split()
    return kind, oid, os.fsdecode(name), mode


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0")[:-1]]


def _joined(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _batches(paths: Sequence[str], limit: int = 100_000) -> Iterator[list[str]]:
    """Yield `paths` in lists that fit on a command line."""
    batch: list[str] = []
    length = 0
    for path in paths:
        length += len(path) + 1
        if batch and length > limit:
            yield batch
            batch, length = [], len(path) + 1
        batch.append(path)
    if batch:
        yield batch


def _system_user() -> Identity:
    """Return the system's `user@host`, also where the user has no name (a container)."""
    import getpass

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid{os.getuid()}"
    return Identity(name, f"{name}@{os.uname().nodename}")
