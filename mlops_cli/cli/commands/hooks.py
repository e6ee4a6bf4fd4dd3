"""`mlo hooks`: git hooks that take data along, and the merge driver."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.hooks import Hook, Place

app = typer.Typer(help="Have git take data along, and keep large files out of it")


@dataclass(frozen=True, slots=True)
class Standing:
    """How git's hooks and merge driver stand: where hooks are, each of them, and the driver.

    `attributes` says whether `.gitattributes` sends pointers to the merge driver.
    """

    folder: str
    shared: bool
    hooks: "tuple[Hook, ...]"
    merge_driver: bool
    attributes: bool


@app.command("install")
def install(as_json: JsonFlag = False) -> None:
    """Put git hooks and the merge driver in place.

    Data then follows git checkout, merge, pull and rebase, `git push` sends data first,
    `git commit` refuses large files and pointers to nothing, and `git merge` merges versioned
    folders file by file. A hook of others at the same place is kept, and runs first.
    """
    from mlops_cli.core import hooks, merge_driver
    from mlops_cli.data.git_moved import look_from_now

    repo = repository()
    where = hooks.place(repo.root)
    hooks.refuse_unfit(repo.root)
    hooks.install(where, _program())
    merge_driver.install(repo.root, _program())
    wrote = merge_driver.add_attributes(repo.root)
    look_from_now(repo.layout)
    show.emit(_look(repo.root, where), as_json=as_json, text=_tell)
    if where.shared and not as_json:
        show.note(
            "these hooks are in the work tree, for every clone: commit them, or not", rest="  "
        )
    if wrote and not as_json:
        show.note(
            "next: git add .gitattributes, then git commit; others run mlo hooks install too",
            rest="  ",
        )


@app.command("uninstall")
def uninstall(as_json: JsonFlag = False) -> None:
    """Take them out, and bring back the hooks that were there before."""
    from mlops_cli.core import hooks, merge_driver

    repo = repository()
    where = hooks.place(repo.root)
    hooks.uninstall(where)
    merge_driver.uninstall(repo.root)
    merge_driver.drop_attributes(repo.root)
    show.emit(_look(repo.root, where), as_json=as_json, text=_tell)


@app.command("status")
def status(as_json: JsonFlag = False) -> None:
    """Say which hooks are in place."""
    from mlops_cli.core import hooks

    repo = repository()
    show.emit(_look(repo.root, hooks.place(repo.root)), as_json=as_json, text=_tell)


def _look(root: Path, where: "Place") -> Standing:
    from mlops_cli.core import hooks, merge_driver

    return Standing(
        str(where.folder),
        where.shared,
        hooks.look(where, _program()),
        merge_driver.is_installed(root),
        merge_driver.has_attributes(root),
    )


def _tell(standing: Standing) -> None:
    from mlops_cli.core.hooks import HOOKS

    show.line(f"hooks in {standing.folder}", rest="  ")
    for hook in standing.hooks:
        show.line(f"  {hook.name:<15}{_state(hook)}: {HOOKS[hook.name]}", rest=" " * 17)
    driver = "installed" if standing.merge_driver else "missing"
    if standing.merge_driver and not standing.attributes:
        driver = "installed, but .gitattributes does not name it"
    show.line(f"  {'merge driver':<15}{driver}: folders merge file by file", rest=" " * 17)


def _state(hook: "Hook") -> str:
    if hook.state == "installed" and hook.before:
        return f"installed, after {hook.before}"
    if hook.state == "foreign":
        return "not mlo's"
    return hook.state


def _program() -> Path | None:
    """Return the `mlo` that runs now, for hooks to find it whatever their `PATH` is."""
    import shutil
    import sys

    beside = Path(sys.executable).parent / "mlo"
    if beside.is_file():
        return beside
    found = shutil.which("mlo")
    return None if found is None else Path(found).absolute()
