"""Making a project: its store, its settings, git around it, and a starter's files in it."""

from pathlib import Path

from mlops_cli.core import git, templates
from mlops_cli.core import layout as layouts
from mlops_cli.core.files import outside, write_whole
from mlops_cli.core.layout import SETTINGS, STORE, Layout
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import create
from mlops_cli.data.ignore import ignore
from mlops_cli.errors import Conflict, NotARepository, RequestError, StateError

_STARTER = b"""\
# The settings of mlo for this project. For example:
#
# steps:
#   train: {cmd: python train.py, deps: [data/train.csv, train.py], outs: [model]}
#
# `mlo config` shows what is set, and where.
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """What `begin` found and made; `git_root` is the top folder of the git repository around it."""

    root: str
    existed: bool
    git_root: str
    git_created: bool
    template: str | None
    written: tuple[str, ...]


def begin(folder: Path, *, template: str | None = None, nested: bool = False) -> Begun:
    """Make `folder` a repository, with git's around it if there is none, and the starter's files.

    A second call is harmless. A file that is there is never overwritten, except settings that
    an earlier call wrote and nobody has touched.

    Raises:
        RequestError: the template is unknown, or `folder` is a file.
        StateError: `folder` is in a project already, and `nested` does not say that this is meant.
        Conflict: a file of the template is there already and differs; nothing was written.
    """
    root = folder.absolute()
    new = templates.files(template) if template else {}
    _check_room(root, new)
    layout = Layout(root)
    existed = layout.format.is_file()
    if not nested:
        _refuse_nested(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise outside(error, root) from error
    around = git.toplevel(root)
    if around is None:
        git.init(root)
    create(root)
    ignore(root, STORE)
    if not layout.settings.exists():
        new = {SETTINGS: _STARTER, **new}
    written = [path for path, data in new.items() if _write(root / path, data)]
    made = around is None
    return Begun(str(root), existed, str(around or root), made, template, tuple(written))


def _refuse_nested(root: Path) -> None:
    """Raise StateError if a folder above `root` is a project, and `root` itself is none yet."""
    real = root.resolve()
    try:
        around = layouts.find(real).root
    except NotARepository:
        return
    if around != real:
        raise StateError(
            f"'{real}' is in the mlo repository '{around}' already",
            hint="use that one; for one inside the other: mlo init DIR --nested",
        )


def _check_room(root: Path, new: dict[str, bytes]) -> None:
    if root.exists() and not root.is_dir():
        raise RequestError(f"'{root}' is a file", hint="mlo init FOLDER")
    taken = [path for path, data in new.items() if not _is_free(root / path, data)]
    if taken:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise Conflict(
            f"'{taken[0]}'{more} would be overwritten by the template",
            hint="move it away, or name a new folder: mlo init FOLDER --template NAME",
        )


def _is_free(path: Path, data: bytes) -> bool:
    """Tell whether writing `data` at `path` loses nothing."""
    if path.is_symlink():
        return False
    try:
        return path.read_bytes() in (data, _STARTER)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _write(path: Path, data: bytes) -> bool:
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise outside(error, path) from error
    write_whole(path, data)
    return True
