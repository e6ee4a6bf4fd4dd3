"""`mlo rollback`."""

from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.promote import ReasonOption, tell
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag


def rollback(
    model: Annotated[str, typer.Argument(help="The model's name")],
    stage: Annotated[str, typer.Argument(help="The stage, such as production")],
    reason: ReasonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Move a stage back to the version it had before.

    Said again, it goes further back. No gate is asked: what stood there had passed them.
    """
    from mlops_cli.registry.promote import rollback as back

    show.emit(back(repository(), model, stage, reason=reason), as_json=as_json, text=tell)
