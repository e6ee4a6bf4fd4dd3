"""An environment as a run recorded it: a virtual environment with the same packages.

It is kept under the user's cache folder by what is in it, so the second time costs nothing.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.files import outside, write_whole
from mlops_cli.core.ids import object_id
from mlops_cli.core.lock import hold
from mlops_cli.core.records import dataclass, replace
from mlops_cli.errors import ExternalError, IntegrityError
from mlops_cli.pipeline.reproduction import local_packages, pythons
from mlops_cli.pipeline.reproduction.environments import LOCK, WHOLE, cache_folder, note_use
from mlops_cli.pipeline.reproduction.pythons import Python
from mlops_cli.runs import environment, packages

_WAIT_S = 3600.0
_NOT_FOUND = re.compile(
    r"No matching distribution found for ([A-Za-z0-9._-]+)"
    r"|[Bb]ecause ([A-Za-z0-9._-]+) was not found"
    r"|there is no version of ([A-Za-z0-9._-]+)=="
)
_NAME, _VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"), re.compile(r"[A-Za-z0-9.!+_-]+")
_INSTEAD = "run it in this environment: mlo reproduce RUN --same-env"
_BY_HAND = ("pip", "setuptools", "wheel")
"""Packages that environments are made with; a missing one decides no number."""


@dataclass(frozen=True, slots=True)
class Built:
    """An environment to run in.

    Attributes:
        programs: its folder of programs; None for the environment that is here, as it is equal.
        notes: what of it is not as recorded, and what was taken from elsewhere.
        how: what became of it, for people.
    """

    programs: Path | None
    notes: tuple[str, ...]
    how: str


def rebuild(
    recorded: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    own: str | None,
    known: Path | None = None,
    tell: Callable[[str], None],
) -> Built:
    """Return an environment with the packages of a record.

    Packages come from the index that pip or uv is set to; those that are in none, or were being
    edited, from the environment that is here. `own` is the package that the project itself is,
    `known` a file that keeps what is known of packages here.

    Raises:
        ExternalError: a package can be had neither there nor here, or the disk refuses.
    """
    here = environment.interpreter(environment.search_path(environ))
    now = packages.installed(here.folders, cache=known)
    if _equal(recorded, here.version, now):
        notes = [f"{name} is being edited: its code is taken as it is" for name in now.editable]
        return Built(None, tuple(notes), "as recorded, here")
    python = pythons.find(recorded.get("python"), environ)
    wanted = _sound(recorded.get("packages", {}))
    edited = recorded.get("editable", {})
    local = local_packages.find(here.folders, wanted, edited)
    notes = []
    for name in edited.keys() - local.keys():
        if name != own:
            raise _not_here(name)
        notes.append(f"{name} is the project itself, as it was then")
        del wanted[name]
    built = _Build(recorded, environ, python, wanted, local, tell).get()
    return replace(built, notes=(*notes, *built.notes))


def _sound(listed: Mapping[str, str]) -> dict[str, str]:
    """Return packages of a record that may come from anybody, as an installer may be given them.

    Raises:
        IntegrityError: a name or version is none, and would be an option or address to it.
    """
    for name, version in listed.items():
        if not (_NAME.fullmatch(name) and _VERSION.fullmatch(version)):
            raise IntegrityError(
                f"the record names the package '{name}' '{version}', which is none"
            )
    return dict(listed)


def _not_here(name: str) -> ExternalError:
    """Return why a package that was being edited cannot be had; one of its name may be any."""
    return ExternalError(
        f"the environment cannot be rebuilt: {name} was being edited when the run was made, "
        "and is not installed here",
        hint="install it, or run in this environment: mlo reproduce RUN --same-env",
    )


def _equal(recorded: Mapping[str, Any], version: str | None, now: packages.Packages) -> bool:
    return (
        recorded.get("python") == version
        and recorded.get("packages") == now.versions
        and recorded.get("hashes", {}) == now.hashes
        and recorded.get("editable", {}).keys() == now.editable.keys()
    )


@dataclass(slots=True)
class _Build:
    """One environment, made or found."""

    recorded: Mapping[str, Any]
    environ: Mapping[str, str]
    python: Python
    wanted: dict[str, str]
    local: dict[str, local_packages.Local]
    tell: Callable[[str], None]

    def get(self) -> Built:
        key = object_id(
            canonical.encode(
                {
                    "python": [self.python.program, self.python.version],
                    "packages": self.wanted,
                    "hashes": dict(self.recorded.get("hashes", {})),
                    "local": {name: one.version for name, one in self.local.items()},
                    "from": [str(one.info) for one in self.local.values()],
                }
            )
        )
        folder = cache_folder(self.environ) / key[:16]
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise outside(error, folder.parent) from error
        waiting = lambda who: self.tell(f"environment: waiting for {who} to end")  # noqa: E731
        lock = folder.with_suffix(LOCK)
        with hold(lock, purpose="mlo reproduce", wait_s=_WAIT_S, on_wait=waiting):
            held = _read(folder / WHOLE)
            how = "made before"
            if held is None:
                how = "made anew"
                held = self._make(folder)
                write_whole(folder / WHOLE, canonical.encode(held), durable=False)
            note_use(folder)
        return Built(folder / "bin", tuple(held["notes"]), how)

    def _make(self, folder: Path) -> dict[str, Any]:
        """Make the environment, and return what there is to say of it."""
        notes = []
        if pythons.minor(self.recorded.get("python") or self.python.version) != self.python.minor:
            wanted = self.recorded["python"]
            notes.append(
                f"there is no Python {pythons.minor(wanted)} here: {self.python.version} is used"
            )
        from_index = {name: v for name, v in self.wanted.items() if name not in self.local}
        self.tell(f"environment: making one with {len(self.wanted)} packages")
        shutil.rmtree(folder, ignore_errors=True)
        installer = _installer(self.environ)
        installer.begin(self.python, folder)
        notes += self._install(installer, folder, from_index)
        (site,) = folder.glob("lib/python3*/site-packages")
        for name, one in sorted(self.local.items()):
            local_packages.copy(one, site, folder)
            notes.append(_said(name, one, self.wanted[name]))
        return {"notes": notes}

    def _lacking_python(self) -> str:
        wanted = pythons.minor(self.recorded.get("python") or self.python.version)
        if wanted == self.python.minor:
            return ""
        return f", for Python {self.python.minor}; there is no Python {wanted} here"

    def _install(
        self, installer: "_Installer", folder: Path, from_index: dict[str, str]
    ) -> list[str]:
        """Install what the index has; what it has not is taken from here, or given up."""
        notes: list[str] = []
        while from_index:
            failure = installer.install(folder, from_index)
            if failure is None:
                return notes
            name = _lacking(failure, from_index)
            if name is None:
                raise ExternalError(
                    f"the environment cannot be rebuilt: {_last(failure)}",
                    hint=_INSTEAD,
                )
            version = from_index.pop(name)
            here = environment.interpreter(environment.search_path(self.environ))
            one = local_packages.find_one(here.folders, name)
            if one is not None and one.version == version and one.fits(self.python):
                self.local[name] = one
            elif name in _BY_HAND:
                notes.append(f"{name} {version} cannot be had, and is left out")
            else:
                raise ExternalError(
                    f"the environment cannot be rebuilt: {name} {version} is neither in the "
                    f"package index nor here{self._lacking_python()}",
                    hint=_INSTEAD,
                )
        return notes


class _Installer:
    """Makes virtual environments and installs into them, by uv or by pip."""

    def __init__(self, environ: Mapping[str, str], uv: str | None) -> None:
        self._environ = {k: v for k, v in environ.items() if not k.startswith(("PYTHON", "MLO_"))}
        self._uv = uv
        self._own_pip = find_spec("pip") is not None

    def begin(self, python: Python, folder: Path) -> None:
        """Make an environment without packages."""
        if self._uv is not None:
            words = [self._uv, "venv", "--quiet", "--no-project", "--python", python.program]
        else:
            words = [python.program, "-I", "-m", "venv"]
            words += ["--without-pip"] if self._own_pip else []
        done = self._run([*words, str(folder)])
        if done.returncode:
            raise ExternalError(
                f"Python {python.version} cannot make a virtual environment: {_last(_text(done))}",
                hint=_INSTEAD,
            )

    def install(self, folder: Path, wanted: Mapping[str, str]) -> str | None:
        """Install versions as they are named; return what was said when that failed."""
        file = folder / "requirements.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in sorted(wanted.items())))
        python = str(folder / "bin" / "python")
        if self._uv is not None:
            words = [self._uv, "pip", "install", "--quiet", "--python", python]
        elif self._own_pip:
            words = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
        else:
            words = [python, "-m", "pip", "install", "--quiet"]
        words += ["--no-deps", "--requirement", str(file)]
        done = self._run(words)
        return _text(done) if done.returncode else None

    def _run(self, words: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(
                words,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise outside(error, Path(words[0])) from error


def _installer(environ: Mapping[str, str]) -> _Installer:
    return _Installer(environ, shutil.which("uv", path=environ.get("PATH", os.defpath)))


def _lacking(said: str, wanted: Mapping[str, str]) -> str | None:
    """Return the package that an installer says it cannot find."""
    for groups in _NOT_FOUND.findall(said):
        for name in filter(None, groups):
            normal = str(name).lower().replace("_", "-").replace(".", "-")
            if normal in wanted:
                return normal
    return None


def _said(name: str, one: local_packages.Local, wanted: str) -> str:
    why = "being edited" if one.editable else "in no index"
    other = f", version {one.version} instead of {wanted}" if one.version != wanted else ""
    return f"{name} is {why}: taken from the environment that is here{other}"


def _text(done: "subprocess.CompletedProcess[bytes]") -> str:
    return done.stdout.decode("utf-8", "replace")


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["nothing was said"])[-1][:300]


def _read(file: Path) -> dict[str, Any] | None:
    try:
        held: dict[str, Any] = canonical.decode(file.read_bytes())
    except FileNotFoundError:
        return None
    return held
