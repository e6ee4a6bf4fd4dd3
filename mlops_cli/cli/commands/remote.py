"""`mlo remote`: the places a project exchanges objects with."""

from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

app = typer.Typer(help="Add, list and remove remotes")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Name, such as origin")],
    url: Annotated[
        str, typer.Argument(help="A folder: a path from the project's root, or file://")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Add a remote to the settings.

    A remote is a folder, for a team one on a disk that all of them see; it is made by the first
    push. Over a network, mount it.
    """
    from mlops_cli.remotes import settings
    from mlops_cli.remotes.kinds import open_transport
    from mlops_cli.remotes.remote import check_name

    repo = repository()
    check_name(name)
    transport = open_transport(url, repo.root)
    settings.add(repo.layout.settings, name, url)
    added = {"name": name, "url": url, "at": transport.url}
    show.emit(added, as_json=as_json, text=lambda one: show.line(f"{one['name']}  {one['at']}"))


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """List the remotes."""
    found = sorted(repository().settings.remotes.items())
    remotes = {name: remote.url for name, remote in found}

    def text(found: dict[str, str]) -> None:
        if found:
            show.table(["name", "url"], [[name, url] for name, url in found.items()])
        else:
            show.note("there is no remote yet; try: mlo remote add origin FOLDER")

    show.emit(remotes, as_json=as_json, text=text)


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="Name of the remote")], as_json: JsonFlag = False
) -> None:
    """Remove a remote from the settings, leaving what it holds."""
    import shutil

    from mlops_cli.remotes import settings

    repo = repository()
    remote = repo.settings.remotes.get(name)
    settings.remove(repo.layout.settings, name)
    shutil.rmtree(repo.layout.remotes / name, ignore_errors=True)
    show.emit(
        {"name": name, "url": None if remote is None else remote.url},
        as_json=as_json,
        text=lambda one: show.line(f"removed {one['name']}; what it holds is still there"),
    )
