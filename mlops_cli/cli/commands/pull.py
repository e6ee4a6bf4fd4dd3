"""`mlo pull`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.fetch import EverythingFlag, tell
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import ForceFlag, JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.data.checkout import Placed
    from mlops_cli.registry.rebase import Rebased
    from mlops_cli.remotes.fetch import Fetched


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought, which models' events were put after the remote's, and what it wrote."""

    fetched: "Fetched"
    rebased: "tuple[Rebased, ...]"
    placed: "tuple[Placed, ...]"


def pull(
    remote: Annotated[str | None, typer.Argument(help="Remote (default: origin)")] = None,
    paths: Annotated[list[str] | None, typer.Argument(help="Only these versioned paths")] = None,
    everything: EverythingFlag = False,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Fetch, then check out.

    Where both sides have registered or promoted a model since they last met, what was done here
    is put after what was done there: versions made here get new numbers if theirs are taken.
    """
    from pathlib import Path

    from mlops_cli.cli.roots import bring
    from mlops_cli.data.checkout import checkout
    from mlops_cli.remotes.remote import connect

    repo = repository()
    progress = show.progress()
    fetched = bring(repo, connect(repo, remote), paths, everything=everything, progress=progress)
    rebased = _rebase(repo, fetched)
    placed = checkout(repo, [Path(path) for path in paths or ()], force=force, progress=progress)
    show.emit(Pulled(fetched, rebased, placed), as_json=as_json, text=_tell)


def _rebase(repo: "Repository", fetched: "Fetched") -> "tuple[Rebased, ...]":
    if not fetched.diverged:
        return ()
    from mlops_cli.registry.rebase import rebase

    return tuple(
        rebase(repo, name.removeprefix("models/"), there)
        for name, there in fetched.diverged.items()
        if name.startswith("models/")
    )


def _tell(pulled: Pulled) -> None:
    from dataclasses import replace

    from mlops_cli.cli.commands.checkout import tell as tell_placed

    tell(replace(pulled.fetched, diverged={}))
    for one in pulled.rebased:
        show.line(f"  {one.model}: {show.number(one.events, 'event')} put after the remote's")
        for old, new in one.renumbered:
            if old != new:
                show.line(f"    v{old} is v{new} now")
        for move in one.moved:
            there = f"v{move.there}" if move.there else "nothing"
            show.line(f"    {move.stage}: v{move.now}, as here; the remote has {there}")
        for refusal in one.refused:
            show.line(f"    {refusal.stage}: v{refusal.number} was not put there again")
            show.line(f"      {refusal.why}", rest="      ")
            if refusal.hint is not None:
                show.line(f"      try again: {refusal.hint}", rest="        ")
    tell_placed(pulled.placed)
