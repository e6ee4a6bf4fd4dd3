"""What the models are that steps of the pipeline refer to."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_cli.core.config_steps import Reference
    from mlops_cli.core.ids import ObjectId
    from mlops_cli.core.repository import Repository
    from mlops_cli.pipeline.plan import Resolve


def resolver(repo: "Repository") -> "Resolve":
    """Return what looks up the content of a registered version, such as `churn@production`."""

    def resolve(reference: "Reference") -> "ObjectId | None":
        from mlops_cli.registry import models

        if reference.kind == "data":
            return None
        return models.resolve(repo, reference.name).artifact

    return resolve
