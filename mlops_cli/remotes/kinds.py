"""Which kind of remote a URL names; a new kind is one file beside this, and one line here."""

from collections.abc import Callable
from pathlib import Path

from mlops_cli.errors import RequestError
from mlops_cli.remotes.transport import Transport


def open_transport(url: str, root: Path) -> Transport:
    """Return the transport for a URL; a relative folder starts at the project's root.

    Raises:
        RequestError: the URL has a scheme that is not known, or says no place.
    """
    scheme, found, _ = url.partition("://")
    if not found:
        folder = root / Path(url).expanduser()
        return _ssh(url) if _is_on_a_host(url, folder) else _folder(str(folder.resolve()))
    if scheme not in KINDS:
        known = ", ".join(f"{kind}://" for kind in KINDS)
        raise RequestError(
            f"remotes of the kind '{scheme}://' are not known",
            hint=f"use a folder's path, or one of {known}",
        )
    return KINDS[scheme](url)


def _folder(path: str) -> Transport:
    from mlops_cli.remotes.folder import FolderTransport

    return FolderTransport(Path(path))


def _file(url: str) -> Transport:
    from urllib.parse import unquote

    path = url.removeprefix("file://")
    if not path.startswith("/"):
        raise RequestError(f"'{url}' names no folder on this machine", hint="file:///path")
    return _folder(unquote(path))


def _http(url: str) -> Transport:
    from mlops_cli.remotes.http import HttpTransport

    return HttpTransport(url)


def _s3(url: str) -> Transport:
    from mlops_cli.remotes.s3 import S3Transport

    return S3Transport(url)


def _is_on_a_host(url: str, folder: Path) -> bool:
    """Return whether this is `host:path`; as for git, a folder of that name comes first."""
    if ":" not in url:
        return False
    from mlops_cli.remotes.ssh_address import is_short

    return is_short(url) and not folder.exists()


def _ssh(url: str) -> Transport:
    from mlops_cli.remotes.ssh import SshTransport

    return SshTransport(url)


KINDS: dict[str, Callable[[str], Transport]] = {
    "file": _file,
    "http": _http,
    "https": _http,
    "s3": _s3,
    "ssh": _ssh,
}
"""What opens a URL, by its scheme."""
