"""Who wrote a commit, and which addresses belong to one person: as git has it."""

import re
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.git import Identity
from mlops_cli.errors import ExternalError

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_FORM = "--format=%an%n%ae%n%(trailers:key=Co-authored-by,valueonly)"


def wrote(root: Path, commit: str) -> list[Identity]:
    """Return the author of a commit, and those whom it names as co-authors.

    Raises:
        ExternalError: git does not know it.
    """
    try:
        if not _COMMIT.fullmatch(commit):
            raise ExternalError(f"'{commit[:80]}' is no commit")
        done = git.run(root, "log", "-1", _FORM, commit)
    except ExternalError as error:
        raise ExternalError(
            f"git does not know commit {commit[:10]}, so nobody knows who wrote it",
            hint="git fetch --unshallow, or git fetch --all",
        ) from error
    name, email, *others = done.stdout.decode("utf-8", "replace").splitlines()
    return [Identity(name, email), *(_identity(line) for line in others if "<" in line)]


def addresses(root: Path, one: Identity) -> frozenset[str]:
    """Return the addresses of a person, in lower case: as given, and as the mailmap has it."""
    found = {one.email.strip().casefold()}
    if (root / ".mailmap").is_file() and one.email:
        asked = f"{one.name} <{one.email}>".replace("\n", " ")
        done = git.run(root, "check-mailmap", "--stdin", ok=(0, 128), given=asked.encode())
        mapped = _identity(done.stdout.decode("utf-8", "replace")).email
        found |= {mapped.casefold()} if mapped else set()
    return frozenset(found)


def _identity(text: str) -> Identity:
    name, _, email = text.strip().partition("<")
    return Identity(name.strip(), email.rstrip(">").strip())
