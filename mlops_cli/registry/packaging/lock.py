"""The packages that serving a version needs, exactly as its run had them, with hashes where known.

Versions are those of the run's recorded environment; what serving needs besides is as it is
installed here. Hashes of wheels come from the lock file that the run's record names, since an
installed package no longer knows its wheel's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

SERVER = (
    "blake3",
    "httptools",
    "numpy",
    "orjson",
    "pyfastcdc",
    "PyYAML",
    "typer",
    "uvicorn",
    "uvloop",
    "zstandard",
)
"""What the server itself imports."""
NATIVE = ("joblib", "pandas", "scikit-learn", "scipy", "skops")
"""What the original of a model needs whose record does not say it."""
COMPILED = ("onnxruntime",)

_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.!+_-]+)")


@dataclass(frozen=True, slots=True)
class Package:
    """One package: its normal name, version, hashes of its wheels, and of what was installed.

    `record` is what `runs/packages.py` makes of its RECORD; empty where nobody recorded it.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    record: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """All packages by name, and what is to be known of them.

    Attributes:
        whole: whether every package has hashes, so that pip may insist on them.
    """

    packages: tuple[Package, ...]
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every package has hashes."""
        return all(one.hashes for one in self.packages)


@dataclass(slots=True)
class _Making:
    """Packages as they are found."""

    recorded: Mapping[str, str]
    records: Mapping[str, str]
    hashes: Mapping[tuple[str, str], tuple[str, ...]]
    found: dict[str, Package] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def lock(
    roots: Iterable[str],
    environment: Mapping[str, Any] | None,
    lock_files: Mapping[str, bytes],
) -> Lock:
    """Return these packages and all that they need in turn.

    Args:
        roots: names of packages.
        environment: as the run recorded it; None where no run did.
        lock_files: content of the project's lock files by name, for hashes.
    """
    held = environment or {}
    making = _Making(held.get("packages", {}), held.get("hashes", {}), _known(lock_files))
    waiting = [normal(one) for one in roots]
    while waiting:
        name = waiting.pop()
        if name not in making.found and name != "mlo":
            waiting += _take(making, name)
    editable = [name for name in held.get("editable", {}) if name in making.found]
    making.notes += [f"{name} was being edited when the run used it" for name in editable]
    packages = tuple(making.found[name] for name in sorted(making.found))
    return Lock(packages, tuple(sorted(making.notes)))


def text(found: Lock, wheel: str, digest: str) -> str:
    """Return the lock as a file of requirements, mlo's own wheel last.

    pip insists on the hashes of all as soon as it sees one, so there are those of all or none.
    """
    pinned = [(f"{one.name}=={one.version}", one.hashes) for one in found.packages]
    pinned.append((f"./wheels/{wheel}", (f"sha256:{digest}",)))
    lines = ["# Exactly these packages: pip install --no-deps -r requirements.lock"]
    for what, hashes in pinned:
        kept = [f"    --hash={one}" for one in hashes] if found.whole else []
        lines.append(" \\\n".join([what, *kept]))
    return "\n".join(lines) + "\n"


def normal(name: str) -> str:
    """Return a package's name as records have it.

    >>> normal("PyYAML"), normal("typing_extensions")
    ('pyyaml', 'typing-extensions')
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _take(making: _Making, name: str) -> list[str]:
    """Add a package, and return the names of those that it needs."""
    version = making.recorded.get(name)
    needs: list[str] = []
    try:
        here = distribution(name)
        needs = list(_needed(here.requires or ()))
    except PackageNotFoundError:
        here = None
        if version is not None:
            making.notes.append(f"{name} is not installed here, so what it needs is not known")
    if version is None:
        if here is None:
            making.notes.append(f"{name} is neither in the run's environment nor installed here")
            return []
        version = here.version
        if making.recorded:
            making.notes.append(f"{name} {version} is from here: the run did not have it")
    hashes = making.hashes.get((name, version), ())
    making.found[name] = Package(name, version, hashes, making.records.get(name, ""))
    return needs


def _needed(requires: Iterable[str]) -> Iterator[str]:
    """Yield the names of what is needed here without any extra."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in requires:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield normal(wanted.name)


def _known(files: Mapping[str, bytes]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return hashes by name and version, as lock files tell; what cannot be read tells nothing."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, data in files.items():
        try:
            told = _from_toml(data) if name.endswith(".lock") and name != "Pipfile.lock" else ()
            told = told or _from_requirements(data.decode())
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        for package, version, hashes in told:
            if hashes:
                found.setdefault((normal(package), version), tuple(sorted(hashes)))
    return found


_Told = list[tuple[str, str, list[str]]]


def _from_toml(data: bytes) -> _Told:
    """Return what uv.lock, poetry.lock or pdm.lock tell."""
    import tomllib

    held = tomllib.loads(data.decode())
    told: _Told = []
    for one in held.get("package", ()):
        files = [*one.get("wheels", ()), *one.get("files", ()), one.get("sdist") or {}]
        hashes = [file["hash"] for file in files if "hash" in file]
        if "version" in one:
            told.append((one["name"], one["version"], hashes))
    return told


def _from_requirements(text: str) -> _Told:
    """Return what a file of requirements with hashes tells."""
    told: _Told = []
    for line in text.replace("\\\n", " ").splitlines():
        pinned = _PINNED.match(line.strip())
        if pinned:
            told.append((pinned[1], pinned[2], _HASH.findall(line)))
    return told
