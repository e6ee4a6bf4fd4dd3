"""Serving from a package, a folder that `mlo package` wrote: no project, no git, no store."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlops_cli.core.repository import Repository
from mlops_cli.registry.packaging import opened
from mlops_cli.registry.packaging.opened import Opened
from mlops_cli.serving.follow import follow
from mlops_cli.serving.guard import tokens
from mlops_cli.serving.live import warmed

LOG_VARIABLE = "MLO_PREDICTIONS"
"""The variable that names the folder of the prediction log."""


@contextmanager
def repository(
    folder: Path,
    environ: Mapping[str, str],
    *,
    log: Path | None = None,
    say: Callable[[str], None],
) -> Iterator[Opened]:
    """Open a package to be served, for a `with` block; `say` is told what is not as it should be.

    Args:
        folder: the package.
        environ: may name the folder of the prediction log in `MLO_PREDICTIONS`.
        log: that folder, if it is said otherwise; without any there is no log.
        say: is told of packages that are not those that the version was packaged with.

    Raises:
        RequestError: the folder is no package.
        IntegrityError: a byte of it is not what was written.
    """
    if log is None and environ.get(LOG_VARIABLE):
        log = Path(os.path.abspath(environ[LOG_VARIABLE]))
    with opened.opened(folder, log=log) as held:
        opened.tell_differences(held.description, say)
        if held.description.told.get("tokens") and tokens.VARIABLE not in environ:
            say(f"the project asks for tokens and {tokens.VARIABLE} has none: anybody may ask here")
        yield held


def answers(repo: Repository, reference: str, say: Callable[[str], None]) -> None:
    """Load the version and have it answer a row made up from its signature.

    Raises:
        MloError: it does not load, or refuses the row.
    """
    find = follow(repo, reference, max_rows=repo.settings.serving.max_rows, say=say)
    warmed(find().load())
