"""One commit of git, by its full id."""

from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.clock import moment
from mlops_cli.core.git import Commit, Identity
from mlops_cli.errors import MloError

_FORM = "--format=%H%x00%aN%x00%aE%x00%ct%x00%s"


def commit_of(root: Path, hex_id: str) -> Commit | None:
    """Return a commit; None where git is not there or does not have it."""
    try:
        done = git.run(root, "log", "-1", "--no-show-signature", _FORM, hex_id, ok=(0, 128))
    except MloError:
        return None
    fields = done.stdout.decode("utf-8", "replace").rstrip("\n").split("\0")
    if done.returncode or len(fields) != 5:
        return None
    when = moment(int(fields[3]) * 1_000_000_000)
    return Commit(fields[0], Identity(fields[1], fields[2]), when, fields[4])
