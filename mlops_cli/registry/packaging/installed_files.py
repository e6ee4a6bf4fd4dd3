"""The files of the packages that a version needs, from where mlo runs, each checked."""

import base64
import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from mlops_cli.errors import IntegrityError, StateError
from mlops_cli.registry.packaging import description
from mlops_cli.registry.packaging.layers import File
from mlops_cli.runs import packages

_INSTEAD = "build the Dockerfile of the package, or run mlo in the run's environment"
_NOT_THE_PACKAGE_S = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")


def of(package: Path, at: str) -> Iterator[File]:
    """Yield the files of a package's packages, and of its mlo, to be below a path of an image.

    Raises:
        StateError: one that is installed here is another than the version's.
        IntegrityError: a file of one is not what was installed.
    """
    described = description.read(package)
    here = packages.installed([one for one in sys.path if one.endswith("-packages")])
    for name, (version, record) in described.packages.items():
        found = here.versions.get(name)
        if found != version or record not in ("", here.hashes.get(name)):
            what = "missing" if found is None else found if found != version else "another build"
            raise StateError(f"{name} is {what} here, and not {version}", hint=_INSTEAD)
        if name in here.editable:
            raise StateError(f"{name} is being edited here", hint=_INSTEAD)
    for name in described.packages:
        for path, content in _files(name):
            yield File(f"{at}/{path}", content)
    for wheel in sorted((package / "wheels").glob("*.whl")):
        with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
            for inner in archive.namelist():
                yield File(f"{at}/{inner}", archive.read(inner))


def _files(name: str) -> Iterator[tuple[str, Path | bytes]]:
    """Yield the files of an installed package by their path below `site-packages`.

    What differs from one installation of the same wheel to the next is left out.
    """
    try:
        installed = distribution(name)
    except PackageNotFoundError as error:
        raise StateError(f"{name} is not installed here", hint=_INSTEAD) from error
    lines = (installed.read_text("RECORD") or "").splitlines()
    kept: list[str] = []
    for one, line in zip(installed.files or (), lines, strict=False):
        path = one.as_posix()
        outside = path.startswith("..") or "__pycache__" in one.parts
        if outside or one.hash is None or one.name in _NOT_THE_PACKAGE_S:
            continue
        place = Path(str(one.locate()))
        if not _is(place, one.hash.value):
            raise IntegrityError(
                f"'{path}' of {name} is not what was installed",
                hint=f"pip install --force-reinstall {name}",
            )
        kept.append(line)
        yield path, place
    folder = next(line.split("/")[0] for line in kept if ".dist-info/" in line.split(",")[0])
    record = f"{folder}/RECORD"
    yield record, ("\n".join([*sorted(kept), f"{record},,"]) + "\n").encode()


def _is(path: Path, wanted: str) -> bool:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode() == wanted
