"""The key of an encrypted remote: made once, kept in a file or the environment, never in git.

Its text form is one line, `mlo-key-1` and 32 random bytes in base64; lines that begin with `#` are
for people.
"""

import base64
import binascii
import os
import re
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.config import Encryption
from mlops_cli.core.files import outside, read_regular
from mlops_cli.core.records import dataclass
from mlops_cli.core.secret_files import in_work_tree, place
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.remotes.sealing import KEY_BYTES

_MARK = "mlo-key-1"
_HINT = "get the file from who set the remote up, or from your copy of it"


def find(where: Encryption, root: Path) -> bytes:
    """Return the key that a remote's settings name.

    Raises:
        RequestError: there is none, it is no key, or git tracks its file.
        ExternalError: the file cannot be read.
    """
    if where.key_env is not None:
        text = os.environ.get(where.key_env)
        if not text:
            raise RequestError(
                f"the variable {where.key_env} is not set; it holds the key of the remote",
                hint=f"{where.key_env}='{_MARK} ...', the line in the key's file",
            )
        return _decode(text, f"the variable {where.key_env}")
    assert where.key_file is not None
    path = place(where.key_file, root)
    refuse_tracked(path, root)
    try:
        data = read_regular(path)
    except FileNotFoundError as error:
        raise RequestError(f"the key of the remote is not at '{path}'", hint=_HINT) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read the key '{path}': {reason}") from error
    return _decode(data.decode("utf-8", "replace"), f"'{path}'")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Where the key of a new remote is; `made` tells whether it was made just now."""

    encryption: Encryption
    made: bool


def choose(root: Path, remote: str, *, file: Path | None, variable: str | None) -> Chosen:
    """Return where a new remote's key is to be; a file that is not there is made.

    With neither `file` nor `variable` it is a file below `~/.config`, named after both.

    Raises:
        RequestError: what is there is no key, or git would take it along.
    """
    if variable is not None:
        chosen = Chosen(Encryption(key_env=variable), made=False)
    else:
        path = Path.cwd() / (file or _default(root, remote)).expanduser()
        refuse_tracked(path, root)
        chosen = Chosen(Encryption(key_file=_written(path, root)), made=not path.exists())
        if chosen.made:
            make(path, remote)
    find(chosen.encryption, root)
    return chosen


def make(path: Path, remote: str) -> None:
    """Write a new key to a file that only its owner may read.

    Raises:
        ExternalError: the file is there already, or cannot be written.
    """
    line = f"{_MARK} {base64.b64encode(os.urandom(KEY_BYTES)).decode()}"
    text = (
        f"# The key of the encrypted remote '{remote}' of mlo. Keep a copy in another place:\n"
        f"# without it, all that the remote holds is lost.\n{line}\n"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise outside(error, path) from error


def refuse_tracked(path: Path, root: Path) -> None:
    """Raise RequestError if a key file is in the repository and git does not ignore it."""
    found = in_work_tree(path, root)
    if found is None:
        return
    top, inside = found
    if git.is_tracked(top, [inside]):
        raise RequestError(
            f"git tracks the key '{inside}': whoever has the repository can read the remote",
            hint="make a new key outside of the project, for a new remote",
        )
    if not git.is_ignored(top, [inside]):
        raise RequestError(
            f"git would take the key '{inside}' along",
            hint="keep it outside of the project, as in ~/.config/mlo/keys, or have git ignore it",
        )


def _default(root: Path, remote: str) -> Path:
    project = re.sub(r"[^A-Za-z0-9._-]", "_", root.name)
    return Path("~/.config/mlo/keys") / f"{project}-{remote}"


def _written(path: Path, root: Path) -> str:
    """Return a path as others can use it too: from the project's root or from home."""
    path = Path(os.path.normpath(path))
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _decode(text: str, where: str) -> bytes:
    lines = [line.strip() for line in text.splitlines()]
    words = [line.split() for line in lines if line and not line.startswith("#")]
    if len(words) == 1 and len(words[0]) == 2 and words[0][0] == _MARK:
        try:
            key = base64.b64decode(words[0][1], validate=True)
        except binascii.Error:
            key = b""
        if len(key) == KEY_BYTES:
            return key
    raise RequestError(
        f"{where} holds no key of mlo's", hint=f"it is one line: {_MARK}, and 44 letters"
    )
