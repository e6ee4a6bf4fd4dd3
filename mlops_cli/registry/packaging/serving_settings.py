"""The project's settings of serving, as far as they belong to a model and not to a machine."""

from mlops_cli.core import canonical
from mlops_cli.core.repository import Repository

_OF_THE_MODEL = ("max_", "log")
"""How the names of settings begin that travel; addresses, files and routes do not."""


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
    return canonical.encode({"serving": kept} if kept else {}) + b"\n"
