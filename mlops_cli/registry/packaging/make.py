"""Making a package: a folder from which a version is served wherever Python runs."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any, Literal

import mlops_cli
from mlops_cli.core import canonical, git, templates, tree
from mlops_cli.core.files import outside, write_whole
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.data.restore import write_out
from mlops_cli.errors import Conflict, MissingObject, MloError, RequestError
from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging import description, lock, project_code, serving_settings, sums
from mlops_cli.registry.packaging import wheel as wheels
from mlops_cli.registry.packaging.lock import Lock
from mlops_cli.registry.packaging.opened import CODE, OBJECTS, SETTINGS

Runtime = Literal["auto", "onnx", "native"]

_LEAST_PYTHON = (3, 11)
NOT_FOR_GIT = b"*\n"
"""A package in a work tree is no part of the code: a run's snapshot leaves it out."""
_TOKENS = "tokens stay behind: where it is to ask for them, set MLO_SERVE_TOKENS"
SYSTEM = {"lightgbm": "libgomp1", "xgboost": "libgomp1", "xgboost-cpu": "libgomp1"}
"""Debian's packages that Python packages count on."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """A package that was made.

    Attributes:
        id: BLAKE3 of its list of checksums: equal packages have equal ids.
        notes: what is to be known of it before it is relied on.
    """

    folder: str
    id: str
    model: str
    version: int
    version_id: str
    files: int
    size: int
    packages: int
    hashed: bool
    runtime: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a package is made of."""

    version: Version
    runtime: Runtime
    environment: Mapping[str, Any] | None
    lock: Lock
    code: Mapping[str, bytes]
    notes: tuple[str, ...]
    guarded: bool
    """Whether the project's settings ask requests for tokens."""

    @property
    def python(self) -> str:
        """The Python that it is to run with."""
        import platform

        recorded = str((self.environment or {}).get("python") or "")
        return recorded if _new_enough(recorded) else platform.python_version()


def package(
    repo: Repository,
    version: Version,
    target: Path,
    *,
    runtime: Runtime = "auto",
    more: Sequence[str] = (),
    force: bool = False,
) -> Packaged:
    """Write the package of a version to a folder, which appears whole or not at all.

    The same version, packaged by the same mlo, has the same bytes.

    Args:
        repo: where the version is.
        version: what is packaged.
        target: the folder.
        runtime: `auto` takes the original and its compiled form, the others only one of them.
        more: names of further packages that it needs.
        force: replace a package that is there.

    Raises:
        RequestError: there is no compiled form, or its inputs are not known.
        Conflict: something else is at `target`, or a package is and not `force`.
        MissingObject: the model's bytes are not in this store.
    """
    _check(version, target, runtime, force=force)
    plan = _plan(repo, version, runtime, more)
    beside = target.with_name(f".{target.name}-{os.urandom(4).hex()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        _write(repo, plan, beside)
        made = _told(plan, beside, target)
        if target.exists():
            old = beside.with_name(beside.name + "-old")
            os.replace(target, old)
            os.replace(beside, target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(beside, target)
    except OSError as error:
        raise outside(error, target) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made


def _check(version: Version, target: Path, runtime: Runtime, *, force: bool) -> None:
    if version.signature is None or not version.signature.columns:
        raise RequestError(
            f"{version.model} v{version.number} cannot be served: nobody recorded its inputs",
            hint=f"register it with its training data: mlo register {version.model} --run RUN",
        )
    if runtime == "onnx" and version.compiled is None:
        raise RequestError(
            f"{version.model} v{version.number} has no compiled form",
            hint=f"mlo models show {version.model} tells why; or leave out --runtime",
        )
    if target.is_symlink() or (target.exists() and not _is_replaceable(target)):
        raise Conflict(f"'{target}' is there and is no package", hint="name another folder: -o DIR")
    if target.exists() and any(target.iterdir()) and not force:
        raise Conflict(f"there is a package in '{target}'", hint="replace it with --force")


def _is_replaceable(target: Path) -> bool:
    return target.is_dir() and (description.is_package(target) or not any(target.iterdir()))


def _plan(repo: Repository, version: Version, runtime: Runtime, more: Sequence[str]) -> _Plan:
    code = project_code.needed(repo, version)
    environment = _environment(repo, version)
    roots = [*lock.SERVER, *more, *code.packages]
    if runtime != "onnx":
        roots += ["pandas", *(version.libraries or lock.NATIVE)]
    if runtime != "native" and version.compiled is not None:
        roots += lock.COMPILED
    found = lock.lock(roots, environment, _lock_files(repo, version, environment))
    guarded = repo.settings.serving.tokens_file is not None
    notes = (*found.notes, *_notes(environment), *([_TOKENS] if guarded else ()))
    return _Plan(version, runtime, environment, found, code.files, notes, guarded=guarded)


def _environment(repo: Repository, version: Version) -> Mapping[str, Any] | None:
    if version.environment is None or not repo.objects.has(version.environment):
        return None
    held: Mapping[str, Any] = canonical.decode(repo.objects.get(version.environment))
    return held


def _lock_files(
    repo: Repository, version: Version, environment: Mapping[str, Any] | None
) -> dict[str, bytes]:
    """Return the lock files that the run's record names, from the work tree or its commit."""
    found: dict[str, bytes] = {}
    for name, oid in ((environment or {}).get("locks") or {}).items():
        for data in _copies(repo, version, name):
            if object_id(data) == oid:
                found[name] = data
                break
    return found


def _copies(repo: Repository, version: Version, name: str) -> Iterator[bytes]:
    path = repo.root / name
    if path.is_file():
        yield path.read_bytes()
    if version.commit is not None:
        try:
            data = git.show(repo.root, version.commit, name)
        except MloError:
            return
        if data is not None:
            yield data


def _notes(environment: Mapping[str, Any] | None) -> Iterator[str]:
    if environment is None:
        yield "no run recorded its environment: packages are as they are installed here"
        return
    recorded = str(environment.get("python"))
    if not _new_enough(recorded):
        yield f"the run had Python {recorded}, which mlo does not run on: the image has another"


def _new_enough(python: str) -> bool:
    parts = python.split(".")
    return (
        len(parts) == 3 and all(map(str.isdigit, parts)) and tuple(map(int, parts)) >= _LEAST_PYTHON
    )


def _write(repo: Repository, plan: _Plan, folder: Path) -> None:
    version = plan.version
    _write_objects(repo, version, folder / OBJECTS)
    _write_model(repo, plan, folder)
    wheel = wheels.build()
    (folder / "wheels").mkdir()
    files = {
        "wheels/" + wheels.name(): wheel,
        "requirements.lock": lock.text(
            plan.lock, wheels.name(), sha256(wheel).hexdigest()
        ).encode(),
        "Dockerfile": _dockerfile(plan).encode(),
        ".gitignore": NOT_FOR_GIT,
        ".dockerignore": templates.text("docker/dockerignore").encode(),
        "entrypoint": templates.text("docker/entrypoint").encode(),
        SETTINGS: serving_settings.reduced(repo),
        description.FILE: description.encode(_describe(plan)),
        **{f"{CODE}/{path}": data for path, data in plan.code.items()},
    }
    if version.card is not None and repo.objects.has(version.card):
        files["model-card.md"] = repo.objects.get(version.card)
    schema = serving_settings.schema(repo, version)
    if schema is not None:
        files[f"{CODE}/{serving_settings.SCHEMA}"] = schema
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / path, data, durable=False)
    (folder / "entrypoint").chmod(0o755)
    write_whole(folder / sums.FILE, sums.text(folder).encode(), durable=False)


def _write_objects(repo: Repository, version: Version, folder: Path) -> None:
    """Write the version's record, what it names in a few bytes, and the listings of folders."""
    folder.mkdir()
    example = version.example
    oids = [version.id]
    if example is not None and repo.objects.has(example):
        oids.append(example)
    for artifact in (version.artifact, version.compiled):
        if artifact is not None and repo.objects.has(artifact):
            oids += _listings(repo, artifact) if _is_tree(repo, artifact) else ()
    for oid in oids:
        write_whole(folder / oid, repo.objects.get(oid), durable=False)


def _listings(repo: Repository, oid: ObjectId) -> Iterator[ObjectId]:
    """Yield the trees of a folder, and where its links lead: no file holds those."""
    held = tree.below(repo.objects, oid)
    yield from held
    for entries in held.values():
        yield from (one.oid for one in entries if one.mode is tree.Mode.SYMLINK)


def _is_tree(repo: Repository, oid: ObjectId) -> bool:
    return repo.objects.kind(oid) is Kind.TREE


def _write_model(repo: Repository, plan: _Plan, folder: Path) -> None:
    version, form = plan.version, plan.version.compiled
    if plan.runtime != "onnx":
        _put(repo, version.artifact, folder / "model", version.path.rpartition("/")[2])
    if plan.runtime != "native" and form is not None:
        if not repo.objects.has(form):
            raise MissingObject(
                f"the compiled form of {version.model} v{version.number} is not in this store",
                hint="mlo pull, or package the original: --runtime native",
            )
        _put(repo, form, folder / "compiled", "model.onnx")


def _put(repo: Repository, oid: ObjectId, folder: Path, name: str) -> None:
    """Write a folder, or a file of this name into one."""
    if repo.objects.has(oid) and _is_tree(repo, oid):
        write_out(repo, oid, "folder", folder)
    else:
        folder.mkdir()
        write_out(repo, oid, "file", folder / name)


def _dockerfile(plan: _Plan) -> str:
    version = plan.version
    system = sorted({SYSTEM[one.name] for one in plan.lock.packages if one.name in SYSTEM})
    install = (
        "RUN apt-get update && apt-get install --yes --no-install-recommends "
        f"{' '.join(system)} \\\n    && rm -rf /var/lib/apt/lists/*\n"
    )
    return Template(templates.text("docker/Dockerfile")).substitute(
        model=version.model,
        name=version.model.lower(),
        version=version.number,
        python=plan.python,
        minor=".".join(plan.python.split(".")[:2]),
        system=install if system else "",
        hashes=" --require-hashes" if plan.lock.whole else "",
    )


def _describe(plan: _Plan) -> dict[str, Any]:
    version = plan.version
    signature = version.signature
    return {
        "model": version.model,
        "version": version.number,
        "version_id": version.id,
        "registered": {"when": version.time, "by": version.who.get("name")},
        "artifact": version.artifact,
        "format": version.format,
        "trusted": version.trusted,
        "task": version.task,
        "classes": version.classes,
        "signature": None if signature is None else signature.to_dict(),
        "metrics": dict(version.metrics),
        "run": version.run,
        "commit": version.commit,
        "environment": version.environment,
        "data": None if version.data is None else asdict(version.data),
        "licence": version.licence,
        "runtime": plan.runtime,
        "compiled": version.compiled if plan.runtime != "native" else None,
        "mlo": mlops_cli.__version__,
        "python": plan.python,
        "packages": {one.name: [one.version, one.record] for one in plan.lock.packages},
        "tokens": plan.guarded,
        "notes": list(plan.notes),
    }


def _told(plan: _Plan, folder: Path, target: Path) -> Packaged:
    files = [path for path in folder.rglob("*") if path.is_file()]
    version = plan.version
    return Packaged(
        folder=str(target),
        id=object_id((folder / sums.FILE).read_bytes()),
        model=version.model,
        version=version.number,
        version_id=version.id,
        files=len(files),
        size=sum(path.stat().st_size for path in files),
        packages=len(plan.lock.packages),
        hashed=plan.lock.whole,
        runtime=plan.runtime,
        notes=plan.notes,
    )
