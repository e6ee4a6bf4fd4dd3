"""The schemas that a project declares for its data."""

from typing import TYPE_CHECKING

from mlops_cli.core.files import inside, read_regular
from mlops_cli.core.repository import Repository
from mlops_cli.data.validation.schema import Schema
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.core.config import Settings


def declared(repo: Repository, *, rev: str | None = None) -> dict[str, str]:
    """Return the schema file of each path that has one, as the settings say, now or at `rev`.

    Raises:
        RequestError: the settings are wrong, or there is no such revision.
    """
    settings = repo.settings if rev is None else _settings_at(repo, rev)
    return {path: one.schema for path, one in settings.data.items() if one.schema is not None}


def schema_of(repo: Repository, path: str, *, rev: str | None = None) -> Schema | None:
    """Return the schema that the settings declare for a path, or for a folder above; or None.

    With `rev` the settings and the schema of that git revision are read.

    Raises:
        RequestError: the schema is not there, or says nothing that can be understood.
    """
    file = file_for(declared(repo, rev=rev), path)
    return None if file is None else load(repo, file, rev=rev)


def file_for(files: dict[str, str], path: str) -> str | None:
    """Return what is declared for a path, or for the nearest folder above; or None."""
    parts = path.split("/")
    above = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((files[one] for one in above if one in files), None)


def load(repo: Repository, file: str, *, rev: str | None = None) -> Schema:
    """Return the schema in a file of the project, in the work tree or at a git revision.

    Raises:
        RequestError: it is not there, or says nothing that can be understood.
    """
    from mlops_cli.data.validation import read

    if rev is None:
        try:
            data = read_regular(inside(repo.root, file))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RequestError(
                f"the schema '{file}' cannot be read: {reason}",
                hint="write it, or have it inferred: mlo validate PATH --infer",
            ) from error
        return read.read(data, where=file)
    from mlops_cli.core import git

    found = git.show(repo.root, rev, file)
    if found is None:
        raise RequestError(f"there is no schema '{file}' at '{rev}'", hint=f"git log -- {file}")
    return read.read(found, where=f"{file}@{rev}")


def _settings_at(repo: Repository, rev: str) -> "Settings":
    from mlops_cli.core import config, git
    from mlops_cli.core.layout import SETTINGS

    data = git.show(repo.root, rev, SETTINGS)
    return config.Settings() if data is None else config.read(data, where=f"{SETTINGS}@{rev}")
