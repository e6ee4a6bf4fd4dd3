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
) -> None:
    """Add a remote to the settings."""
    from mlops_cli.remotes import settings
    from mlops_cli.remotes.remote import check_name, open_transport

    repo = repository()
    check_name(name)
    transport = open_transport(url, repo.root)
    settings.add(repo.layout.settings, name, url)
    show.line(f"{name}  {transport.url}")


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """List the remotes."""
    remotes = dict(sorted(repository().settings.remotes.items()))

    def text(found: dict[str, str]) -> None:
        if found:
            show.table(["name", "url"], [[name, url] for name, url in found.items()])
        else:
            show.note("there is no remote yet; try: mlo remote add origin URL")

    show.emit(remotes, as_json=as_json, text=text)


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Name of the remote")]) -> None:
    """Remove a remote from the settings, leaving what it holds."""
    import shutil

    from mlops_cli.remotes import settings

    repo = repository()
    settings.remove(repo.layout.settings, name)
    shutil.rmtree(repo.layout.remotes / name, ignore_errors=True)
    show.line(f"removed {name}; what it holds is still there")
