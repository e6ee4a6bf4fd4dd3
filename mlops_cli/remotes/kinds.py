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
        return _folder(str((root / Path(url).expanduser()).resolve()))
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


def _s3(url: str) -> Transport:
    from mlops_cli.remotes.s3 import S3Transport

    return S3Transport(url)


KINDS: dict[str, Callable[[str], Transport]] = {
    "file": _file,
    "s3": _s3,
}
"""What opens a URL, by its scheme."""
