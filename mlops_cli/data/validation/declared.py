"""The schemas that a project declares for its data, and whether versions pass them."""

from mlops_cli.core.repository import Repository
from mlops_cli.data.validation.report import ValidationReport
from mlops_cli.data.validation.schema import Schema


def schema_of(repo: Repository, path: str, *, rev: str | None = None) -> Schema | None:
    """Return the schema that the settings declare for a path, or for a folder above; or None.

    With `rev` the settings and the schema of that git revision are read.

    Raises:
        RequestError: the schema is not there, or says nothing that can be understood.
    """
    raise NotImplementedError


def validate(repo: Repository, reference: str, schema: Schema | None = None) -> ValidationReport:
    """Return whether `PATH`, or `PATH@REV`, passes its schema; a known verdict is not made again.

    Raises:
        RequestError: there is no such data, it is no table, or no schema is declared for it.
    """
    raise NotImplementedError
