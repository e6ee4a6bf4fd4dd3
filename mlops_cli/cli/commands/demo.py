"""`mlo demo`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.cli.demo import Finished


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder (default: mlo-demo)")
    ] = Path("mlo-demo"),
    as_json: JsonFlag = False,
) -> None:
    """Go round the whole loop on real data, in a new folder.

    Types the commands that you would type, and shows each with what it prints: version data, run a
    pipeline, compare, register, promote, serve, notice drift, retrain, trace, push, pull. Takes
    less than a minute, downloads nothing, and leaves the project there to explore.
    """
    import time

    from mlops_cli.cli.demo import tour

    say = show.note if as_json else show.line
    finished = tour(folder.absolute(), say=say, clock=time.monotonic)
    show.emit(finished, as_json=as_json, text=_tell)


def _tell(finished: "Finished") -> None:
    show.line(
        f"\nOnce round in {finished.seconds:.0f} s: {finished.requests} requests answered, "
        f"{finished.lost_requests} lost."
    )
    show.line("\nThe project is yours to explore:")
    show.line(f"  cd {finished.project}")
    for line in (
        "mlo status",
        "mlo runs compare",
        "mlo run --set train.trees=300",
        "mlo models show cancer",
        "mlo rollback cancer production",
        "mlo audit",
    ):
        show.line(f"  {line}")
