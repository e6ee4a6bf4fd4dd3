"""`mlo log`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.history import Version


_WIDTH, _WHO = 80, 14


def log(
    path: Annotated[Path, typer.Argument(help="A versioned path, or a part of one")],
    as_json: JsonFlag = False,
) -> None:
    """List the versions of a path.

    Newest first, with the commit that brought each; the first may not be committed yet.
    """
    from mlops_cli.data.history import versions
    from mlops_cli.data.paths import relative

    repo = repository()
    show.emit(versions(repo, relative(repo, path)), as_json=as_json, text=_tell)


def _tell(found: "list[Version]") -> None:
    from mlops_cli.cli.runs_list import clip
    from mlops_cli.core.ids import short

    rows = [
        (
            short(one.oid) if one.oid else "removed",
            show.size(one.size) if one.size is not None else "",
            one.commit[:8] if one.commit else "",
            (one.time or "")[:10],
            clip(one.author or "", _WHO),
        )
        for one in found
    ]
    head = ["version", "size", "commit", "when", "who"]
    used = sum(max(len(row[at]) for row in [head, *rows]) + 2 for at in range(len(head)))
    subjects = (clip(one.subject or "(not committed)", _WIDTH - used) for one in found)
    show.table([*head, "subject"], [(*row, one) for row, one in zip(rows, subjects, strict=True)])
