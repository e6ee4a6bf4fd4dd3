"""`mlo init`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.begin import Begun


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The project's folder, made if missing")
    ] = Path(),
    template: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write the files of this starter project")
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="Make it although a folder above is a project already")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a repository, from a template if one is named.

    Makes git's repository too when there is none, the store `.mlo/` that git ignores, and
    `.mlops.yaml` for settings. Nothing that is there is overwritten, so a second `init` is
    harmless.

    Templates: `tabular`, a pipeline of three steps on a table; `minimal`, one step.
    """
    from mlops_cli.data.begin import begin

    show.emit(begin(folder, template=template, nested=nested), as_json=as_json, text=_text)


def _text(begun: "Begun") -> None:
    if begun.existed and not begun.written:
        show.line(f"already a repository: {begun.root}")
        return
    show.line(f"{'wrote into' if begun.existed else 'made'} the repository {begun.root}")
    if begun.git_created:
        show.line("  git repository made")
    elif Path(begun.git_root) != Path(begun.root).resolve():
        show.line(f"  in the git repository at {begun.git_root}")
    for path in begun.written:
        show.line(f"  {path}")
    show.note(f"next: {_way_to(Path(begun.root))}mlo add PATH, or mlo run")


def _way_to(root: Path) -> str:
    """Return what to type first to be in `root`, relative where that is shorter."""
    import os
    import shlex

    here = Path.cwd()
    if root.resolve() == here.resolve():
        return ""
    near = os.path.relpath(root, here)
    return f"cd {shlex.quote(near if len(near) < len(str(root)) else str(root))}, then "
