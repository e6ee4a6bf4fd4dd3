"""What a run's code ran in: Python, packages, machine, threads and chosen variables.

The Python is the one that `python` on a step's PATH starts, which need not be the one that mlo
runs in. It is described by what lies around it, without starting it.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_cli.core.ids import object_id
from mlops_cli.core.records import dataclass
from mlops_cli.runs import machine, packages, secrets

VERSION = 2
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_DYNAMIC",
    "OPENBLAS_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "MKL_NUM_THREADS",
    "MKL_CBWR",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NPY_DISABLE_CPU_FEATURES",
    "LOKY_MAX_CPU_COUNT",
    "PYTHONHASHSEED",
    "CUDA_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "TF_DETERMINISTIC_OPS",
)
"""Variables that decide how libraries compute, recorded as they are set."""
LOCKS = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pixi.lock",
    "Pipfile.lock",
    "conda-lock.yml",
    "environment.yml",
)

_TOOL_MARKS = ("pipx_metadata.json", "uv-receipt.toml")
"""Files that say that a virtual environment holds one tool for itself."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python: its version if known, and the folders that its packages are in."""

    version: str | None
    folders: tuple[str, ...]


def search_path(environ: Mapping[str, str]) -> str:
    """Return the PATH for steps, on which `python` is the project's Python.

    That is the active virtual environment's. When none is active and mlo was installed into a
    virtual environment of the project, it is that one's, so that calling `.venv/bin/mlo` works.
    """
    path = environ.get("PATH", os.defpath)
    active = environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX")
    if active or sys.prefix == sys.base_prefix:
        return path
    if any(os.path.exists(os.path.join(sys.prefix, mark)) for mark in _TOOL_MARKS):
        return path
    own = os.path.dirname(sys.executable)
    return path if path.split(os.pathsep)[0] == own else own + os.pathsep + path


def collect(
    environ: Mapping[str, str],
    path: str,
    *,
    root: Path | None = None,
    chosen: Sequence[str] = (),
    cache: Path | None = None,
) -> dict[str, Any]:
    """Return the environment of a command that is started with this PATH, ready to be stored.

    Args:
        environ: the command's variables.
        path: its PATH.
        root: the project's folder, whose lock files of packages are named.
        chosen: further variables to record, as `Tracking.env` names them; secrets are masked.
        cache: a file to keep what is known of packages in.
    """
    found = interpreter(path)
    there = packages.installed(found.folders, cache=cache)
    return {
        "v": VERSION,
        "python": found.version,
        "implementation": sys.implementation.name,
        **machine.describe(),
        "threads": {name: environ[name] for name in THREAD_VARIABLES if name in environ},
        "variables": secrets.masked(_chosen(environ, chosen)),
        "packages": there.versions,
        "hashes": there.hashes,
        "editable": secrets.masked(there.editable),
        "libraries": there.libraries,
        "locks": {} if root is None else _locks(root),
    }


def deciding(environ: Mapping[str, str], chosen: Sequence[str]) -> dict[str, str]:
    """Return the variables that what `collect` returns depends on, within one moment."""
    names = ("PATH", "VIRTUAL_ENV", "CONDA_PREFIX", *THREAD_VARIABLES)
    return {
        **{name: value for name in names if (value := environ.get(name)) is not None},
        **_chosen(environ, chosen),
    }


def _chosen(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    if not names:
        return {}
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    return {
        name: environ[name]
        for name in sorted(environ)
        if name in exact or (beginnings and name.startswith(beginnings))
    }


def _locks(root: Path) -> dict[str, str]:
    """Return the ids of the files that say which packages the project wants."""
    try:
        names = [
            name
            for name in sorted(os.listdir(root))
            if name in LOCKS or (name.startswith("requirements") and name.endswith(".txt"))
        ]
        return {name: object_id((root / name).read_bytes()) for name in names}
    except OSError:
        return {}


def interpreter(path: str) -> Interpreter:
    """Return the Python that `python`, or else `python3`, on a PATH starts."""
    program = _found("python", path) or _found("python3", path)
    own = Interpreter(
        ".".join(map(str, sys.version_info[:3])),
        tuple(one for one in sys.path if one.endswith(("site-packages", "dist-packages"))),
    )
    if program is None or _same_place(program, sys.executable):
        return own
    return _foreign(Path(program))


def _found(name: str, path: str) -> str | None:
    """Return the program of a name on a PATH, as `shutil.which` does, which takes 2 ms to load."""
    for folder in path.split(os.pathsep):
        program = os.path.join(folder, name)
        if os.path.isfile(program) and os.access(program, os.X_OK):
            return program
    return None


def _same_place(program: str, other: str) -> bool:
    """Return whether two programs belong to one environment: one folder holds them."""
    return os.path.realpath(os.path.dirname(program)) == os.path.realpath(os.path.dirname(other))


def _foreign(program: Path) -> Interpreter:
    """Return what the folders around a Python tell of it, without starting it."""
    prefix = program.parent.parent
    version = _configured_version(prefix / "pyvenv.cfg")
    real = prefix if version else program.resolve().parent.parent
    libraries = sorted(real.glob("lib/python3*"))
    if version is None:
        version = _named_version(program.resolve().name, libraries)
    wanted = [one for one in libraries if _fits(one.name, version)]
    folders = [one / kind for one in wanted for kind in ("site-packages", "dist-packages")]
    folders += [real / "local" / one.relative_to(real) for one in folders]
    return Interpreter(version, tuple(str(one) for one in folders if one.is_dir()))


def _configured_version(file: Path) -> str | None:
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    values = {key.strip(): value.strip() for key, _, value in (x.partition("=") for x in lines)}
    version = values.get("version") or values.get("version_info")
    return ".".join(version.split(".")[:3]) if version else None


def _named_version(name: str, libraries: list[Path]) -> str | None:
    version = name.removeprefix("python")
    if "." in version:
        return version
    dotted = [one.name.removeprefix("python") for one in libraries if "." in one.name]
    return dotted[-1] if len(dotted) == 1 else None


def _fits(folder: str, version: str | None) -> bool:
    minor = ".".join((version or "").split(".")[:2])
    return folder in ("python3", f"python{minor}") or version is None
