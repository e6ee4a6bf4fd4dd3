"""A model on a machine that has nothing of the project: taken from the remote by its ids."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli import __version__
from mlops_cli.core.config import RemoteSettings
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository, create
from mlops_cli.errors import RequestError
from mlops_cli.registry import events, models
from mlops_cli.registry.batch.answering import answering

if TYPE_CHECKING:
    from mlops_cli.registry.batch.asking import Ask
    from mlops_cli.registry.models import Version
    from mlops_cli.remotes.remote import Remote

_PREFIX = "mlo-batch-"


def told(repo: Repository, remote: "Remote", version: "Version") -> dict[str, Any]:
    """Push what a worker needs of a version, and return what it has to be told.

    Raises:
        MloError: the remote does not take it.
    """
    from mlops_cli.remotes.push import push

    needed = [version.id, version.artifact]
    if version.compiled is not None and repo.objects.has(version.compiled):
        needed.append(version.compiled)
    push(repo, remote, only=needed)
    held = repo.settings.remotes[remote.name]
    return {
        "mlo": __version__,
        "remote": RemoteSettings(remote.transport.url, held.encryption),
        "version": version.id,
        "needed": needed,
    }


def ask(payload: Mapping[str, Any]) -> "Ask":
    """Return what answers for a version that is taken from a remote, in a worker.

    Raises:
        RequestError: this is another mlo.
        MloError: the version cannot be had, or loaded.
    """
    from mlops_cli.remotes import fetch
    from mlops_cli.remotes.remote import remote_at

    if payload["mlo"] != __version__:
        raise RequestError(f"a worker has mlo {__version__}, and the batch needs {payload['mlo']}")
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    repo = create(folder)
    remote = remote_at(repo, "batch", payload["remote"])
    remote.catalogue.refresh(remote.transport, remote.read().state.packs)
    fetch.content(repo, remote, [ObjectId(oid) for oid in payload["needed"]])
    version = models.version_of(events.read(repo, ObjectId(payload["version"])))
    return answering(repo, version, payload["runtime"]).ask
