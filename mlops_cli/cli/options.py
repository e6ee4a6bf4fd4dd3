"""Options that many commands share, so that they are spelled and explained alike."""

from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on stdout")]
ForceFlag = Annotated[bool, typer.Option("--force", help="Overwrite work that is in no store")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress")]
