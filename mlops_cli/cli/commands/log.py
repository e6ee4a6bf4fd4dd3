"""`mlo log`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.history import Version


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
    from mlops_cli.core.ids import short

    rows = [
        (
            short(one.oid) if one.oid else "removed",
            show.size(one.size) if one.size is not None else "",
            one.commit[:10] if one.commit else "",
            (one.time or "")[:19].replace("T", " "),
            one.author or "",
            one.subject or "(not committed)",
        )
        for one in found
    ]
    show.table(["version", "size", "commit", "when", "who", "subject"], rows)
