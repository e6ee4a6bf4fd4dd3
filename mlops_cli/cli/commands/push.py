"""`mlo push`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.remotes.push import Pushed


def push(
    remote: Annotated[str | None, typer.Argument(help="Remote (default: origin)")] = None,
    paths: Annotated[
        list[str] | None, typer.Argument(help="Only these versioned paths, and no refs")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Send objects to a remote, then move its refs.

    Sends whatever the remote lacks: data, runs, models, events. A push that would drop records
    that somebody else has pushed is refused; pull first.
    """
    from mlops_cli.cli.roots import pointed_at
    from mlops_cli.remotes.push import push as send
    from mlops_cli.remotes.remote import connect

    repo = repository()
    only = pointed_at(repo, paths) if paths else None
    pushed = send(repo, connect(repo, remote), only=only, progress=show.progress())
    show.emit(pushed, as_json=as_json, text=_tell)


def _tell(pushed: "Pushed") -> None:
    if not pushed.objects and not pushed.moved:
        show.line(f"{pushed.remote} has everything already")
        return
    sent = f"{show.number(pushed.objects, 'object')} ({show.size(pushed.bytes)})"
    show.line(f"sent {sent} to {pushed.remote}")
    for name in pushed.moved:
        if not name.startswith("audit/"):
            show.line(f"  moved {name}")
