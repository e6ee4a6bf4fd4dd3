"""What `.mlops.yaml` says in outline, known without reading YAML while the file is as it was.

`status` asks for no more than this, and reading settings takes longer than all else that it does in
a small project. What was read is kept in `.mlo/outline`, a cache; `docs/design/format.md` specifies
it.
"""

import json
from typing import NamedTuple

from blake3 import blake3

from mlops_cli import __version__
from mlops_cli.core.files import read_regular, write_whole
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError

FILE = "outline"
_ELSEWHERE = b"params"
"""Settings with this word may name a further file, and be wrong by what is in it."""


class Outline(NamedTuple):
    """How many steps there are, and the names of the remotes."""

    steps: int
    remotes: tuple[str, ...]


def outline(repo: Repository) -> Outline:
    """Return the outline of a project's settings.

    Raises:
        RequestError: a mistake in them.
        ExternalError: they cannot be read.
    """
    try:
        data = read_regular(repo.layout.settings)
    except OSError:
        return _of(repo)  # which knows what to make of it
    key = blake3(__version__.encode() + b"\0" + data).hexdigest()
    kept = _kept(repo, key)
    if kept is not None:
        return kept
    found = _of(repo)
    if not found.steps and _ELSEWHERE not in data:
        _keep(repo, key, found)
    return found


def _of(repo: Repository) -> Outline:
    return Outline(len(repo.settings.steps), tuple(repo.settings.remotes))


def _kept(repo: Repository, key: str) -> Outline | None:
    """Return what was kept of settings without steps, if these are the same."""
    try:
        of, remotes = json.loads((repo.layout.mlo / FILE).read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    if of != key or not isinstance(remotes, list):
        return None
    return Outline(0, tuple(str(name) for name in remotes))


def _keep(repo: Repository, key: str, found: Outline) -> None:
    data = json.dumps([key, found.remotes]).encode()
    try:
        write_whole(repo.layout.mlo / FILE, data, durable=False)
    except ExternalError:
        return  # a store that cannot be written works, too
