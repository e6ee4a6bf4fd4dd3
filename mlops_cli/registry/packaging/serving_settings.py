"""The project's settings of serving, as far as they belong to a model and not to a machine."""

from mlops_cli.core import canonical
from mlops_cli.core.files import inside
from mlops_cli.core.repository import Repository
from mlops_cli.data.validation import declared
from mlops_cli.registry import request_schema
from mlops_cli.registry.models import Version

SCHEMA = "serving-schema.yaml"
"""What the schema of requests is called in a package, beside the project's code."""
_OF_THE_MODEL = ("max_", "limits", "log")
"""How the names of settings begin that travel; addresses, files and routes do not."""


def schema(repo: Repository, version: Version) -> bytes | None:
    """Return the schema that requests to a version are held against, None where there is none.

    Raises:
        RequestError: it is not there, or cannot be understood.
    """
    file = request_schema.file_of(repo, version)
    if file is None:
        return None
    declared.load(repo, file)
    return inside(repo.root, file).read_bytes()


def reduced(repo: Repository) -> bytes:
    """Return settings for a package: canonical JSON, which is YAML too."""
    from mlops_cli.core import yaml_nodes

    path = repo.layout.settings
    if not path.is_file():
        return b"{}\n"
    document = yaml_nodes.parse(path.read_bytes(), where=path.name)
    kept = {}
    for name, section in document.items() if document.is_mapping else ():
        if name == "serving" and section.is_mapping:
            kept = {
                key: one.plain() for key, one in section.items() if key.startswith(_OF_THE_MODEL)
            }
    asked = repo.settings.serving.validate
    if asked.on_fail != "ignore":
        kept["validate"] = {"schema": SCHEMA, "on_fail": asked.on_fail}
    return canonical.encode({"serving": kept} if kept else {}) + b"\n"
