"""`mlo add`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.add import Added


def add(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of the project")],
    as_json: JsonFlag = False,
) -> None:
    """Version files or folders and write their pointers.

    The bytes go to .mlo, and PATH.mlo, a small file for git to keep, says which version is meant.
    A .gitignore beside it keeps git from tracking the bytes.
    """
    from mlops_cli.data.add import add as version

    added = version(repository(), paths, progress=show.progress())
    show.emit(added, as_json=as_json, text=_tell)


def _tell(added: "tuple[Added, ...]") -> None:
    from mlops_cli.core.ids import short

    rows = [
        (one.state, short(one.oid), show.size(one.size), _files(one), one.path) for one in added
    ]
    show.table(["", "version", "size", "", "path"], rows)
    for one in added:
        if one.edited_import is not None:
            show.note(
                f"{one.path} is no longer what came from {one.edited_import}; "
                "`mlo import --update` will leave it alone"
            )
    changed = [one for one in added if one.state != "unchanged"]
    if changed:
        import shlex

        names = {one.pointer for one in changed} | {_ignore_file(one.path) for one in changed}
        if len(names) > 6:
            show.note("next: git add the pointers and each .gitignore, then git commit")
        else:
            show.note(f"next: git add {shlex.join(sorted(names))}, then git commit")


def _files(one: "Added") -> str:
    if one.kind == "file":
        return "file"
    return f"{one.files:,} file{'' if one.files == 1 else 's'}"


def _ignore_file(path: str) -> str:
    folder = path.rpartition("/")[0]
    return f"{folder}/.gitignore" if folder else ".gitignore"
