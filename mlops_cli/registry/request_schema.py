"""Which schema requests to a version are held against, as the settings of serving say."""

from mlops_cli.core.repository import Repository
from mlops_cli.data.validation import declared
from mlops_cli.errors import RequestError
from mlops_cli.registry.models import Version

OF_THE_MODEL = "model"
"""What `serving.validate.schema` says for the schema of the model's training data."""


def file_of(repo: Repository, version: Version) -> str | None:
    """Return the file, from the project's root; None where requests are held against none.

    Raises:
        RequestError: no schema is declared for the version's training data.
    """
    asked = repo.settings.serving.validate
    if asked.on_fail == "ignore":
        return None
    if asked.schema != OF_THE_MODEL:
        return asked.schema
    data = version.data
    found = None if data is None else declared.file_for(declared.declared(repo), data.path)
    if found is None:
        what = "its training data" if data is None else f"'{data.path}', its training data"
        raise RequestError(
            f"requests to {version.model} cannot be validated: no schema is declared for {what}",
            hint="name a schema: serving: {validate: {schema: FILE}}",
        )
    return found
