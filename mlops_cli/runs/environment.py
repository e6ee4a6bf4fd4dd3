"""What a run's code ran in: Python, packages, machine and threads.

Packages are read from the names of `*.dist-info` folders, which takes a few milliseconds where
asking pip takes hundreds. The Python is the one that `python` on a step's PATH starts, which need
not be the one that mlo runs in.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "PYTHONHASHSEED",
)
"""Variables that decide how libraries compute, recorded as they are set."""

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


def collect(environ: Mapping[str, str], path: str) -> dict[str, Any]:
    """Return the environment of a command that is started with this PATH, ready to be stored."""
    found = interpreter(path)
    system = os.uname()
    return {
        "v": VERSION,
        "python": found.version,
        "implementation": sys.implementation.name,
        "os": f"{system.sysname} {system.release}",
        "machine": system.machine,
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "threads": {name: environ[name] for name in THREAD_VARIABLES if name in environ},
        "packages": packages(found.folders),
    }


def interpreter(path: str) -> Interpreter:
    """Return the Python that `python`, or else `python3`, on a PATH starts."""
    from shutil import which

    program = which("python", path=path) or which("python3", path=path)
    own = Interpreter(
        ".".join(map(str, sys.version_info[:3])),
        tuple(one for one in sys.path if one.endswith(("site-packages", "dist-packages"))),
    )
    if program is None or _same_place(program, sys.executable):
        return own
    return _foreign(Path(program))


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


def packages(folders: Iterable[str]) -> dict[str, str]:
    """Return the version of each installed package by its normal name, sorted by name.

    The first folder that has a package wins, as it does for `import`.
    """
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                package, _, version = name.rpartition(".")[0].partition("-")
                if package and version:
                    normal = package.lower().replace("_", "-").replace(".", "-")
                    found.setdefault(normal, version.split("-")[0])
    return dict(sorted(found.items()))


def _cpu_model() -> str | None:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return None
