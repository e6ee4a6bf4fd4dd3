"""Packs that a remote's `state` names and that are not there: somebody removed or cut them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.remotes.catalogue import key_of
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.state import Held
from mlops_cli.remotes.transport import MissingKey


def refuse_lost(remote: Remote, packs: Mapping[str, Held]) -> None:
    """Raise IntegrityError unless all packs are there, by one listing and no read.

    A folder is asked for their sizes too, which costs nothing there. Over HTTP nothing is asked:
    a web server lists nothing, and nothing is pushed to it.
    """
    sized = (
        packs.keys() if isinstance(remote.transport, FolderTransport) else _unlisted(remote, packs)
    )
    lost = [name for name in sorted(sized) if not _is_there(remote, name, packs[name])]
    if lost:
        more = f" and {len(lost) - 1} more" if lost[1:] else ""
        raise _damaged(remote, f"'{key_of(lost[0])}'{more} is missing or cut short")


@contextmanager
def lost_told(remote: Remote) -> Iterator[None]:
    """Raise IntegrityError where a pack is read that `state` names and that is not there."""
    try:
        yield
    except MissingKey as error:
        raise _damaged(remote, error.message) from error


def _unlisted(remote: Remote, packs: Mapping[str, Held]) -> list[str]:
    """Return the packs that a listing lacks, which may be older than the pack."""
    if not packs:
        return []
    try:
        listed = set(remote.transport.list("packs/"))
    except RequestError:
        return []
    return [name for name in packs if key_of(name) not in listed]


def _is_there(remote: Remote, name: str, held: Held) -> bool:
    try:
        return remote.transport.size(key_of(name)) == held.size
    except MissingKey:
        return False


def _damaged(remote: Remote, why: str) -> IntegrityError:
    return IntegrityError(
        f"the remote '{remote.name}' is damaged: {why}", hint=f"mlo fsck {remote.name}"
    )
