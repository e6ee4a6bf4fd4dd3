"""Which folder on which host a URL names, as git writes it."""

import re
from urllib.parse import unquote

from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError

_WORD = r"[A-Za-z0-9._%+~][A-Za-z0-9._%+~\\-]*"  # never a leading dash: ssh would read an option
_HOST = rf"(?:(?P<user>{_WORD})@)?(?:(?P<host>{_WORD})|\[(?P<ip>[0-9A-Fa-f:.%a-z]+)\])"
_URL = re.compile(rf"ssh://{_HOST}(?::(?P<port>[0-9]{{1,5}}))?(?P<path>/.*)", re.DOTALL)
_SHORT = re.compile(rf"{_HOST}:(?P<path>(?!//).+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """A folder on a host; without a slash at its beginning it is below the user's home."""

    destination: str
    port: int | None
    folder: str


def is_short(url: str) -> bool:
    """Return whether this is `[user@]host:path`, the short form that git and scp know.

    >>> is_short("ada@host:store"), is_short("./a:b"), is_short("ssh://host/store")
    (True, False, False)
    """
    return _SHORT.fullmatch(url) is not None


def address(url: str) -> Address:
    """Return what `ssh://[user@]host[:port]/path` or `[user@]host:path` names.

    Raises:
        RequestError: it names no folder on a host.

    >>> address("ssh://ada@host:2222/~/my%20store/")
    Address(destination='ada@host', port=2222, folder='my store')
    """
    found = _URL.fullmatch(url) or _SHORT.fullmatch(url)
    if found is None and re.match(r"[a-z]+://[^/@]*:[^/@]*@", url):
        raise RequestError(
            "the URL of a remote holds no password, for git would keep it",
            hint="leave it out; ssh asks for it, or better, use a key",
        )
    if found is None:
        raise RequestError(
            f"'{url}' names no folder on a host", hint="ssh://[user@]host[:port]/path"
        )
    parts = found.groupdict()
    path = parts["path"]
    if url.startswith("ssh://"):
        path = unquote(path)
        path = path.removeprefix("/") if path.startswith("/~") else path
    host = parts["host"] or parts["ip"]
    destination = f"{parts['user']}@{host}" if parts["user"] else host
    port = int(parts["port"]) if parts.get("port") else None
    return Address(destination, port, _folder(path, url))


def _folder(path: str, url: str) -> str:
    if path.startswith("~"):
        user, _, path = path.partition("/")
        if user != "~":
            raise RequestError(
                f"'{url}' is in another user's home, which SFTP does not find",
                hint="write the absolute path",
            )
        path = path.lstrip("/")
    path = path.rstrip("/")
    if not path or "\0" in path:
        raise RequestError(f"'{url}' names no folder on a host", hint="ssh://host/path/to/folder")
    return path
