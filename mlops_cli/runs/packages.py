"""The packages of a Python: versions, a hash of what was installed, and which are being edited.

All of it is read from the `*.dist-info` folders. What a package's `RECORD` says of its files tells
two builds of one version apart; lines that depend on the place or the installer do not count.
Reading them takes some 20 ms, so what was found is kept until the folder of packages changes.
"""

import json
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlops_cli.core.files import write_whole
from mlops_cli.core.records import dataclass, field
from mlops_cli.errors import MloError

_VERSION = 1
_OF_THE_INSTALLER = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
_NUMERIC = ("openblas", "mkl", "blis", "atlas", "lapack", "gomp", "libomp", "iomp5", "accelerate")
"""Parts of the names of libraries that decide how arrays are computed."""


@dataclass(frozen=True, slots=True)
class Packages:
    """What is installed, by normal name, sorted.

    Attributes:
        versions: of each package.
        hashes: 32 hex digits each; a package without a `RECORD` has none.
        editable: where the source of a package is that was installed to be edited.
        libraries: file names of libraries for linear algebra and threads that wheels brought along.
    """

    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    editable: dict[str, str] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)


def installed(folders: Iterable[str], *, cache: Path | None = None) -> Packages:
    """Return what is in these folders; of two with one name the first, as `import` takes it.

    `cache` is a file to keep it in.
    """
    stamps = [stamp for folder in folders if (stamp := _stamp(folder)) is not None]
    held = _cached(cache)
    found: dict[str, Any] = {}
    fresh = False
    for folder, *when in stamps:
        known = held.get(folder)
        if known is None or known["when"] != when:
            known = {"when": when, **_scan(Path(folder))}
            fresh = True
        found[folder] = known
    if fresh and cache is not None:
        _keep(cache, {**held, **found})
    return _merged(found.values())


def _stamp(folder: str) -> tuple[str, int, int] | None:
    """Return what changes when packages come or go; None when there is no such folder."""
    try:
        seen = os.stat(folder)
    except OSError:
        return None
    return folder, seen.st_mtime_ns, seen.st_ino


def _scan(folder: Path) -> dict[str, Any]:
    packages: dict[str, list[str | None]] = {}
    libraries: list[str] = []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        names = []
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            package, _, version = name.rpartition(".")[0].partition("-")
            if package and version:
                normal = package.lower().replace("_", "-").replace(".", "-")
                place = folder / name
                packages[normal] = [version.split("-")[0], _record_hash(place), _source(place)]
        elif name.endswith(".libs"):
            libraries += _numeric(folder / name)
    libraries += _numeric(folder / "torch/lib")
    return {"packages": packages, "libraries": libraries}


def _record_hash(info: Path) -> str | None:
    """Return a hash of what a package consists of, the same wherever it is installed."""
    from blake3 import blake3

    try:
        text = (info / "RECORD").read_text("utf-8", "replace")
    except OSError:
        return None
    kept = sorted(line for line in text.splitlines() if _counts(line, info.name))
    return blake3("\n".join(kept).encode()).hexdigest()[:32] if kept else None


def _counts(line: str, info: str) -> bool:
    if ",sha256=" not in line or line.startswith(("../", '"../')):
        return False
    path = line.partition(",")[0]
    return not (path.startswith(info) and path.endswith(_OF_THE_INSTALLER))


def _source(info: Path) -> str | None:
    """Return where the source of an editable package is, None for all others."""
    try:
        told = json.loads((info / "direct_url.json").read_bytes())
        return str(told["url"]) if told["dir_info"]["editable"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _numeric(folder: Path) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if any(part in name.lower() for part in _NUMERIC)]


def _merged(scans: Iterable[dict[str, Any]]) -> Packages:
    found: dict[str, list[str | None]] = {}
    libraries: list[str] = []
    for scan in scans:
        for name, facts in scan["packages"].items():
            found.setdefault(name, facts)
        libraries += scan["libraries"]
    rows = sorted(found.items())
    return Packages(
        versions={name: str(version) for name, (version, _, _) in rows},
        hashes={name: digest for name, (_, digest, _) in rows if digest},
        editable={name: source for name, (_, _, source) in rows if source},
        libraries=sorted(set(libraries)),
    )


def _cached(cache: Path | None) -> dict[str, Any]:
    if cache is None:
        return {}
    try:
        seen = os.stat(cache)
        return _parsed(cache, seen.st_mtime_ns, seen.st_ino)
    except (OSError, ValueError, KeyError, TypeError):
        return {}


@lru_cache(maxsize=4)
def _parsed(cache: Path, _mtime_ns: int, _inode: int) -> dict[str, Any]:
    """Return what a file holds that is replaced as a whole; it is parsed once."""
    held = json.loads(cache.read_bytes())
    folders: dict[str, Any] = held["folders"] if held["v"] == _VERSION else {}
    return folders


def _keep(cache: Path, folders: dict[str, Any]) -> None:
    there = {folder: facts for folder, facts in folders.items() if os.path.isdir(folder)}
    try:
        data = json.dumps({"v": _VERSION, "folders": there}).encode()
        write_whole(cache, data, durable=False)
    except MloError:
        return  # it only saves time
