"""Options that many commands share, so that they are spelled and explained alike."""

from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on stdout")]
ForceFlag = Annotated[bool, typer.Option("--force", help="Overwrite work that is in no store")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress")]

SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="WHEN", help="Only predictions since then: 24h, 7d, 2026-01-31T12:00"
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="Only predictions before then")
]
LastOption = Annotated[
    int | None, typer.Option("--last", metavar="N", min=1, help="Only the last N predictions")
]
