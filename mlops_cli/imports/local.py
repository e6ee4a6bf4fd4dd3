"""A file or folder of this machine, outside the project."""

import os
from pathlib import Path
from urllib.parse import unquote

from mlops_cli.core.layout import SETTINGS
from mlops_cli.data import snapshot
from mlops_cli.data.source import Source
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.imports.arrival import Arrival, Errand


def place(root: Path, url: str) -> Path:
    """Return the path that a URL or a path, from the project's root, stands for."""
    if url.startswith("file://"):
        path = url.removeprefix("file://")
        if not path.startswith("/"):
            raise RequestError(f"'{url}' names no path on this machine", hint="file:///path")
        return Path(unquote(path))
    return Path(os.path.normpath(root / Path(url).expanduser()))


def bring(source: Source, errand: Errand) -> Arrival:
    """Bring a file, or a folder with all that is in it, as `mlo add` would take it.

    What the stat cache knows is not read again.

    Raises:
        RequestError: there is nothing, it is in the project, or it cannot be versioned.
        IntegrityError: it is not what the checksum says.
    """
    path = place(errand.repo.root, source.url)
    real = path.resolve()
    if not real.exists():
        raise RequestError(f"there is nothing at '{source.url}'")
    if real.is_relative_to(errand.repo.root.resolve()):
        raise RequestError(f"'{source.url}' is in this project already", hint="mlo add PATH")
    if (real / ".git").exists() or (real / SETTINGS).exists():
        raise RequestError(
            f"'{source.url}' is a project, of which a path is imported",
            hint=f"mlo import '{source.url}#PATH@REV'",
        )
    if source.checksum is not None:
        return _checked(source, real, errand)
    found = snapshot.take(errand.repo, real, writer=errand.writer, before=errand.before)
    errand.advance(found.size)
    executable = found.kind == "file" and os.access(real, os.X_OK)
    return Arrival(source, found.oid, found.kind, found.size, found.files, executable)


def _checked(source: Source, path: Path, errand: Errand) -> Arrival:
    if path.is_dir():
        raise RequestError(f"'{source.url}' is a folder, which has no checksum of its own")
    try:
        with path.open("rb", buffering=0) as file:
            oid, size = errand.put(file, source.checksum)
            executable = bool(os.fstat(file.fileno()).st_mode & 0o100)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{source.url}': {reason}") from error
    return Arrival(source, oid, "file", size, executable=executable)
