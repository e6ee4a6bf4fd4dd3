"""`mlo fetch`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.remotes.fetch import Fetched

EverythingFlag = Annotated[
    bool, typer.Option("--all", help="Bring every version of everything the remote has")
]


def fetch(
    remote: Annotated[str | None, typer.Argument(help="Remote (default: origin)")] = None,
    paths: Annotated[list[str] | None, typer.Argument(help="Only the bytes of these paths")] = None,
    everything: EverythingFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Get refs and objects from a remote.

    Brings the records of all runs, models and events, and the bytes that the work tree's pointers,
    mlo.lock and the models in stages name. The work tree is left as it is.
    """
    from mlops_cli.cli.roots import bring
    from mlops_cli.remotes.remote import connect

    repo = repository()
    fetched = bring(
        repo, connect(repo, remote), paths, everything=everything, progress=show.progress()
    )
    show.emit(fetched, as_json=as_json, text=tell)


def tell(fetched: "Fetched") -> None:
    """Print what a fetch brought."""
    if fetched.objects:
        got = f"{show.number(fetched.objects, 'object')} ({show.size(fetched.bytes)})"
        show.line(f"fetched {got} from {fetched.remote}")
    elif fetched.empty:
        show.line(f"{fetched.remote} holds nothing yet")
    else:
        show.line(f"nothing new on {fetched.remote}")
    for name in fetched.moved:
        if not name.startswith("audit/"):
            show.line(f"  moved {name}")
    for name in fetched.diverged:
        show.note(f"'{name}' has records here and others there; try: mlo pull {fetched.remote}")
