"""What runs logged, brought from the remote when somebody looks at it: a fetch leaves it there."""

from collections.abc import Collection, Mapping

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject


def supply(
    repo: Repository,
    needed: Mapping[ObjectId, str],
    *,
    wished: Collection[ObjectId] = (),
    progress: Progress = SILENT,
) -> None:
    """Bring what is needed and not here, which is named for errors, as 'the log of run a2'.

    When the remote has to be asked, what is `wished` and there comes too.

    Raises:
        MissingObject: something is not here, and not on the remote, or there is no remote.
        ExternalError: the remote cannot be reached.
        IntegrityError: it is damaged there.
    """
    missing = {oid: what for oid, what in needed.items() if not repo.objects.has(oid)}
    if not missing:
        return
    if not repo.settings.remotes:
        oid, what = next(iter(missing.items()))
        raise MissingObject(
            f"{what} is not in this store, and there is no remote",
            hint="mlo remote add origin URL",
            oid=oid,
        )
    from mlops_cli.remotes import fetch
    from mlops_cli.remotes.remote import connect

    remote = connect(repo, None)
    fetch.look(remote)
    for oid, what in missing.items():
        if not remote.catalogue.has(oid):
            raise MissingObject(
                f"{what} is neither here nor on '{remote.name}'",
                hint="push it from where it was made: mlo push",
                oid=oid,
            )
    more = [oid for oid in wished if remote.catalogue.has(oid)]
    with repo.writing():
        fetch.content(repo, remote, [*missing, *more], progress=progress)
