"""Having git call `mlo` where both sides of a merge changed a pointer or `mlo.lock`.

It takes two things: attributes, committed with the project, and the command, which git keeps for
each clone. The attributes stand at the top of the file, so that what others add comes after and
counts more, and so that taking them out leaves every byte as it was.
"""

import shlex
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.files import outside, read_regular, write_whole
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX

ATTRIBUTES = ".gitattributes"
_LINES = f"*{POINTER_SUFFIX} merge=mlo\n/{LOCKFILE} merge=mlo-lock\n".encode()
_DRIVERS = {"mlo": "merge-pointer", "mlo-lock": "merge-lock"}


def install(root: Path, program: Path | None) -> None:
    """Tell git what to call; a merge base that has to be made of several is left as it is."""
    for name, driver in _commands(program).items():
        _set(root, f"merge.{name}.name", "mlo, file by file")
        _set(root, f"merge.{name}.driver", driver)
        _set(root, f"merge.{name}.recursive", "binary")


def uninstall(root: Path) -> None:
    """Take out what `install` told git."""
    for name in _DRIVERS:
        git.run(root, "config", "--local", "--remove-section", f"merge.{name}", ok=(0, 128))


def is_installed(root: Path) -> bool:
    """Return whether git knows what to call."""
    return all(
        verb in git.run(root, "config", "--get", f"merge.{name}.driver", ok=(0, 1)).stdout.decode()
        for name, verb in _DRIVERS.items()
    )


def has_attributes(root: Path) -> bool:
    """Return whether pointers of the project have our attribute."""
    done = git.run(root, "check-attr", "-z", "merge", "--", f"a{POINTER_SUFFIX}", literal=False)
    return done.stdout.split(b"\0")[2:3] == [b"mlo"]


def add_attributes(root: Path) -> bool:
    """Write the attributes, unless they are there already; return whether it wrote them."""
    file = root / ATTRIBUTES
    held = _read(file)
    if all(line in held.split(b"\n") for line in _LINES.splitlines()):
        return False
    write_whole(file, _LINES + held)
    return True


def drop_attributes(root: Path) -> bool:
    """Take the attributes out, unless git tracks them by now; return whether it did."""
    file = root / ATTRIBUTES
    held = _read(file)
    committed = git.show(root, "HEAD", ATTRIBUTES) if git.head(root) else None
    if not held.startswith(_LINES) or (committed or b"").startswith(_LINES):
        return False
    rest = held.removeprefix(_LINES)
    if rest or committed is not None:
        write_whole(file, rest)
    else:
        file.unlink()
    return True


def _commands(program: Path | None) -> dict[str, str]:
    found = "" if program is None else f"[ -x {shlex.quote(str(program))} ] && "
    mlo = "mlo" if program is None else shlex.quote(str(program))
    return {
        name: f'm=mlo; {found}m={mlo}; "$m" {verb} %O %A %B %P' for name, verb in _DRIVERS.items()
    }


def _set(root: Path, key: str, value: str) -> None:
    git.run(root, "config", "--local", key, value)


def _read(file: Path) -> bytes:
    try:
        return read_regular(file)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise outside(error, file) from error
