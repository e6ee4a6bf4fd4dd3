"""A version as an OCI image, written without a container engine.

Alone it is an image of one layer, the package in `/models`: what Kubernetes mounts as an image
volume, and KServe as a modelcar. On a base image that has Python it is complete: a layer with the
packages, taken from where mlo runs if they are the version's, then the same layer with the model.
"""

import json
import os
import platform as machines
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from mlops_cli.core.files import outside
from mlops_cli.core.repository import Repository
from mlops_cli.errors import Conflict, RequestError
from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging import base_image, description, installed_files, layers
from mlops_cli.registry.packaging.base_image import Base
from mlops_cli.registry.packaging.layers import Layer
from mlops_cli.registry.packaging.make import NOT_FOR_GIT, SYSTEM, Runtime, package

MODELS, SITE = "models", "opt/mlo/site"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ALWAYS = ("PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
_USER, _PORT = "65532:65532", "8000/tcp"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was written.

    Attributes:
        digest: of its manifest; what registries name it by.
        complete: whether it starts by itself, having Python and the packages.
    """

    place: str
    digest: str
    tag: str
    size: int
    layers: int
    complete: bool
    notes: tuple[str, ...]


def of_version(
    repo: Repository,
    version: Version,
    target: Path,
    *,
    tag: str,
    base: str | None,
    runtime: Runtime = "auto",
    more: Sequence[str] = (),
    force: bool = False,
) -> Image:
    """Write the image of a version as an OCI layout, a folder or, if called `.tar`, an archive.

    The same version, by the same mlo on the same base, gives the same digest.

    Raises:
        Conflict: something else is at `target`, or an image is and not `force`.
        RequestError: the base is none, or has another Python than the package; or as of `package`.
        StateError: the packages that are installed here are not those of the version.
    """
    _check(target, tag, force=force)
    with tempfile.TemporaryDirectory(dir=repo.layout.tmp) as room:
        folder = Path(room) / "package"
        made = package(repo, version, folder, runtime=runtime, more=more)
        image = write(folder, version, target, tag=tag, base=base)
    return replace(image, notes=(*made.notes, *image.notes))


def _check(target: Path, tag: str, *, force: bool) -> None:
    if not _TAG.fullmatch(tag):
        raise RequestError(f"'{tag}' cannot be a tag: use letters, digits, '.', '_' and '-'")
    if not target.exists() and not target.is_symlink():
        return
    ours = target.suffix == ".tar" if target.is_file() else (target / "oci-layout").is_file()
    if not ours or target.is_symlink():
        raise Conflict(f"'{target}' is there and is no image", hint="name another: -o DIR")
    if not force:
        raise Conflict(f"there is an image in '{target}'", hint="replace it with --force")


def write(folder: Path, version: Version, target: Path, *, tag: str, base: str | None) -> Image:
    """Write the image of a package; one that is at `target` is replaced."""
    beside = target.with_name(f".{target.name}-{os.urandom(4).hex()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        blobs = beside / "blobs/sha256"
        blobs.mkdir(parents=True)
        made = _write(folder, version, beside, tag, base, target)
        if target.suffix == ".tar":
            packed = beside.with_name(beside.name + ".tar")
            layers.pack(beside, packed)
            os.replace(packed, target)
        else:
            (beside / ".gitignore").write_bytes(NOT_FOR_GIT)
            if target.exists():
                shutil.rmtree(target)
            os.replace(beside, target)
    except OSError as error:
        raise outside(error, target) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made


def _write(
    folder: Path, version: Version, layout: Path, tag: str, base: str | None, target: Path
) -> Image:
    blobs = layout / "blobs/sha256"
    architecture = _ARCHITECTURES.get(machines.machine(), machines.machine())
    notes: list[str] = []
    with ExitStack() as stack:
        below = None if base is None else stack.enter_context(base_image.opened(base, architecture))
        used: list[Layer] = []
        if below is not None:
            notes += _check_python(below, folder)
            notes += _of_the_system(folder)
            for layer in below.layers:
                below.layout.copy(layer.digest, blobs)
            used += below.layers
            used.append(layers.write(installed_files.of(folder, SITE), blobs))
        used.append(layers.write(layers.of_folder(folder, MODELS), blobs))
        config = _config(version, used, below, architecture)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _put(blobs, _CONFIG, config),
        "layers": [
            {"mediaType": one.media_type, "digest": one.digest, "size": one.size} for one in used
        ],
        "annotations": _labels(version),
    }
    described = _put(blobs, _MANIFEST, manifest)
    named = {**described, "annotations": {"org.opencontainers.image.ref.name": tag}}
    index = {"schemaVersion": 2, "manifests": [named]}
    (layout / "index.json").write_bytes(_bytes(index))
    (layout / "oci-layout").write_bytes(_bytes({"imageLayoutVersion": "1.0.0"}))
    size = sum(one.size for one in used)
    return Image(
        str(target), str(described["digest"]), tag, size, len(used), base is not None, tuple(notes)
    )


def _check_python(below: Base, folder: Path) -> Iterator[str]:
    """Yield what is not sure of the base's Python.

    Raises:
        RequestError: it is another than the one that the packages here are for.
    """
    here = ".".join(machines.python_version_tuple()[:2])
    recorded = str(description.read(folder).told["python"])
    if below.python is None:
        yield f"the base does not say which Python it has: it must be {here}"
    elif ".".join(below.python.split(".")[:2]) != here:
        raise RequestError(
            f"the base has Python {below.python}, and the packages here are for {here}",
            hint=f"take a base with Python {here}",
        )
    elif below.python != recorded:
        yield f"the base has Python {below.python}, the run had {recorded}"


def _of_the_system(folder: Path) -> Iterator[str]:
    """Yield what Python's packages need of the base besides."""
    wanted = {SYSTEM[one]: one for one in description.read(folder).packages if one in SYSTEM}
    for system, one in sorted(wanted.items()):
        yield f"{one} needs {system} in the base"


def _config(
    version: Version, used: list[Layer], below: Base | None, architecture: str
) -> dict[str, Any]:
    held: Mapping[str, Any] = {} if below is None else below.config
    config = dict(held.get("config") or {})
    config["Labels"] = {**(config.get("Labels") or {}), **_labels(version)}
    config["WorkingDir"] = f"/{MODELS}"
    if below is not None:
        variables = [one for one in config.get("Env") or () if not one.startswith("PYTHONPATH=")]
        if not any(one.startswith("PATH=") for one in variables):
            variables.insert(0, _PATH)
        config["Env"] = [*variables, f"PYTHONPATH=/{SITE}", *_ALWAYS]
        config |= {"User": _USER, "Entrypoint": [f"/{MODELS}/entrypoint"]}
        config["ExposedPorts"] = {_PORT: {}}
        config.pop("Cmd", None)
    before = list(held.get("history") or ())
    mine = ["packages", "model"] if below is not None else ["model"]
    return {
        "created": version.time,
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in used]},
        "history": [
            *before,
            *({"created": version.time, "created_by": f"mlo package: {one}"} for one in mine),
        ],
    }


def _labels(version: Version) -> dict[str, str]:
    told = {
        "org.opencontainers.image.title": version.model,
        "org.opencontainers.image.version": f"v{version.number}",
        "org.opencontainers.image.created": version.time,
        "org.opencontainers.image.revision": version.commit,
        "mlo.version-id": version.id,
        "mlo.artifact": version.artifact,
        "mlo.run": version.run,
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _put(blobs: Path, media_type: str, value: Any) -> dict[str, Any]:
    """Write JSON as a blob, and return what names it."""
    data = _bytes(value)
    digest = sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def _bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
