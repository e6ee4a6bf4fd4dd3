"""Packages that no index has: edited in place, or installed from a folder or file."""

import csv
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import PathDistribution
from pathlib import Path

from mlops_cli.core.files import outside
from mlops_cli.core.records import dataclass
from mlops_cli.pipeline.reproduction.pythons import Python, minor

_SCRIPT = """\
#!{python}
import sys
from {module} import {first}
sys.exit({call}())
"""


@dataclass(frozen=True, slots=True)
class Local:
    """A package that is installed here.

    Attributes:
        info: its `*.dist-info` folder.
    """

    info: Path
    version: str
    editable: bool
    from_file: bool

    def fits(self, python: Python) -> bool:
        """Return whether its files are for this Python."""
        folder = self.info.parent.parent.name.removeprefix("python")
        return self.editable or minor(folder) == python.minor or "." not in folder


def find(
    folders: Iterable[str], wanted: Mapping[str, str], edited: Mapping[str, str]
) -> dict[str, Local]:
    """Return those of the wanted packages that can only be had from here.

    These are the ones that were being edited when the run was made, and the ones that were
    installed here from a folder or a file.
    """
    return {
        name: one
        for name, one in _all(folders).items()
        if name in wanted
        and (name in edited or one.editable or (one.from_file and one.version == wanted[name]))
    }


def find_one(folders: Iterable[str], name: str) -> Local | None:
    """Return a package by its normal name, if it is installed here."""
    return _all(folders).get(name)


def copy(one: Local, site: Path, environment: Path) -> None:
    """Put the files of a package into another environment, with its programs.

    Raises:
        ExternalError: the disk refuses.
    """
    source = one.info.parent
    try:
        with (one.info / "RECORD").open(newline="", encoding="utf-8") as file:
            paths = [row[0] for row in csv.reader(file) if row]
        for path in paths:
            if path.startswith("..") or os.path.isabs(path) or path.endswith(".pyc"):
                continue
            target = site / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if (source / path).is_file():
                shutil.copy2(source / path, target)
        _write_programs(one, environment)
    except OSError as error:
        raise outside(error, site) from error


def _write_programs(one: Local, environment: Path) -> None:
    python = environment / "bin" / "python"
    for point in PathDistribution(one.info).entry_points.select(group="console_scripts"):
        call = point.attr or "main"
        script = environment / "bin" / Path(point.name).name
        script.write_text(
            _SCRIPT.format(
                python=python, module=point.module, first=call.partition(".")[0], call=call
            )
        )
        script.chmod(0o755)


def _all(folders: Iterable[str]) -> dict[str, Local]:
    found: dict[str, Local] = {}
    for folder in folders:
        for info in sorted(Path(folder).glob("*.dist-info")):
            name, _, version = info.name.removesuffix(".dist-info").partition("-")
            normal = name.lower().replace("_", "-").replace(".", "-")
            if (info / "RECORD").is_file():
                found.setdefault(normal, Local(info, version, *_origin(info)))
    return found


def _origin(info: Path) -> tuple[bool, bool]:
    """Return whether a package is edited in place, and whether it came from a folder or file."""
    try:
        told = json.loads((info / "direct_url.json").read_bytes())
        editable = bool(told.get("dir_info", {}).get("editable"))
        return editable, str(told.get("url", "")).startswith("file:")
    except (OSError, ValueError, AttributeError):
        return False, False
