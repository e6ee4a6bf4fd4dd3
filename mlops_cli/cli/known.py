"""Which objects are known to be on a remote, without asking it."""

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError


def on_a_remote(repo: Repository, oid: ObjectId) -> bool:
    """Return whether a remote was last seen to hold an object."""
    from mlops_cli.remotes.remote import connect

    for name in repo.settings.remotes:
        try:
            if connect(repo, name).catalogue.has(oid):
                return True
        except MloError:
            continue  # a remote that cannot be opened here may still hold it; nobody knows
    return False
