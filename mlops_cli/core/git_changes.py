"""Which commits changed some files, and what those held: two git processes for any history."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.clock import moment
from mlops_cli.core.git import Commit, Identity
from mlops_cli.core.records import dataclass

_COMMIT = "%H%x00%aN%x00%aE%x00%ct%x00%s"
_FORM = f"--format=%x01{_COMMIT}"
_NOTHING = "0" * 40
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One file that one commit changed; `before` and `after` are ids of git, None for no file."""

    commit: Commit
    path: str
    before: str | None
    after: str | None


def changes(root: Path, patterns: Sequence[str], *, everywhere: bool = False) -> list[Change]:
    """Return what commits changed of the files below `root` that match, newest commit first.

    In a pattern such as `*.csv` the `*` also stands for slashes. Merges count against each of
    their parents, so every content that a commit ever had is among `after`. With `everywhere`
    the commits of all branches and tags, else those that HEAD has.
    """
    born = git.head(root) is not None
    if not born and not everywhere:
        return []
    which = ["--branches", "--tags", "--remotes"] if everywhere else []
    which += ["HEAD"] if born else []
    options = ("--raw", "-m", "-z", "--no-abbrev", "--no-renames", "--relative", "--full-history")
    settings = ("-c", "log.showRoot=true", "-c", "log.follow=false")
    arguments = (*settings, "log", *options, "--no-show-signature", _FORM, *which)
    done = git.run(root, *arguments, "--", *patterns, literal=False)
    return list(_read(done.stdout))


def history(root: Path, path: str) -> list[Commit]:
    """Return the commits that changed a file or folder, newest first; renames are not followed."""
    options = ("-z", "--no-show-signature", f"--format={_COMMIT}")
    arguments = ("-c", "log.follow=false", "log", *options, "--", path)
    done = git.run(root, *arguments, ok=(0, 128))
    if done.returncode:
        if git.head(root) is None:
            return []
        done = git.run(root, *arguments)  # which raises what is wrong
    fields = done.stdout.split(b"\0")[:-1]
    return [_commit(fields[at : at + _FIELDS]) for at in range(0, len(fields), _FIELDS)]


def blobs(root: Path, ids: Iterable[str]) -> dict[str, bytes]:
    """Return the content of files by git's ids for them; what git does not have is left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    given = "".join(f"{oid}\n" for oid in wanted).encode()
    answer = git.run(root, "cat-file", "--batch", given=given).stdout
    found: dict[str, bytes] = {}
    at = 0
    for oid in wanted:
        end = answer.index(b"\n", at)
        facts = answer[at:end].split()
        at = end + 1
        if len(facts) == 3 and facts[1] == b"blob":
            size = int(facts[2])
            found[oid] = answer[at : at + size]
            at += size + 1
    return found


def _read(output: bytes) -> Iterator[Change]:
    tokens = output.split(b"\0")
    commit: Commit | None = None
    at = 0
    while at < len(tokens) - 1:
        token = tokens[at].lstrip(b"\n")
        if token.startswith(b"\x01"):
            commit = _commit([token[1:], *tokens[at + 1 : at + _FIELDS]])
            at += _FIELDS
        elif token.startswith(b":") and commit is not None:
            _, _, before, after, _ = token.decode("ascii").split()
            path = os.fsdecode(tokens[at + 1])
            yield Change(commit, path, _present(before), _present(after))
            at += 2
        else:
            at += 1


def _commit(fields: list[bytes]) -> Commit:
    name, author, email, when, subject = [field.decode("utf-8", "replace") for field in fields]
    return Commit(name, Identity(author, email), moment(int(when) * 1_000_000_000), subject.strip())


def _present(oid: str) -> str | None:
    return None if oid.startswith(_NOTHING) else oid
