"""`mlo remote`: the places a project exchanges objects with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.core.config import RemoteSettings

app = typer.Typer(help="Add, list and remove remotes")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Name, such as origin")],
    url: Annotated[
        str,
        typer.Argument(help="A folder, s3://bucket/prefix, ssh://host/path or https://host/path"),
    ],
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Encrypt all that goes there, before it is sent")
    ] = False,
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with the key; made when there is none (default: in ~/.config)"),
    ] = None,
    key_env: Annotated[
        str | None, typer.Option(help="Variable of the environment that holds the key instead")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a remote to the settings.

    A remote is a place that all of a team reach; it is made by the first push. A folder is a path
    from the project's root; host:path is the short form of ssh://; what is behind https:// can only
    be read. With --encrypt, who has the remote but not the key can read nothing of it.
    """
    from mlops_cli.core.config import RemoteSettings
    from mlops_cli.remotes import keys, settings
    from mlops_cli.remotes.kinds import open_transport
    from mlops_cli.remotes.remote import check_name

    if key_file is not None and key_env is not None:
        raise RequestError("the key is in a file or in a variable, not in both")
    repo = repository()
    check_name(name)
    settings.refuse_taken(repo.settings.remotes, name)
    transport = open_transport(url, repo.root)
    chosen = None
    if encrypt or key_file is not None or key_env is not None:
        chosen = keys.choose(repo.root, name, file=key_file, variable=key_env)
    encryption = None if chosen is None else chosen.encryption
    settings.add(repo.layout.settings, name, RemoteSettings(url, encryption))
    added = {"name": name, "url": url, "at": transport.url, "encryption": encryption}
    show.emit(added, as_json=as_json, text=_tell_added)
    if chosen is not None and chosen.made:
        show.note(f"made the key {chosen.encryption.key_file}; keep a copy of it in another place:")
        show.note("without it, all that the remote holds is lost")


def _tell_added(added: "dict[str, Any]") -> None:
    how = ", encrypted" if added["encryption"] else ""
    show.line(f"{added['name']}  {added['at']}{how}")


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """List the remotes."""
    remotes = dict(sorted(repository().settings.remotes.items()))

    def text(found: "dict[str, RemoteSettings]") -> None:
        if found:
            rows = [[name, remote.url, _key(remote)] for name, remote in found.items()]
            show.table(["name", "url", "key"], rows)
        else:
            show.note("there is no remote yet; try: mlo remote add origin FOLDER")

    show.emit(remotes, as_json=as_json, text=text)


def _key(remote: "RemoteSettings") -> str:
    """Return where the key of a remote is, for the list."""
    if remote.encryption is None:
        return "-"
    return remote.encryption.key_file or f"${remote.encryption.key_env}"


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
