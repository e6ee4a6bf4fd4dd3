"""`package.json`: what is in a package, for people and programs that do not read the record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.errors import IntegrityError, RequestError, StateError

FILE = "package.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Description:
    """What a package says of itself.

    Attributes:
        version_id: the version's id, which its record in `objects/` is checked against.
        runtime: `auto`, `onnx` where only the compiled form is in it, `native` where only the
            original is.
        packages: version and hash of RECORD of each package that it is to run with, by name.
        told: all that it says.
    """

    model: str
    version: int
    version_id: ObjectId
    runtime: str
    packages: Mapping[str, tuple[str, str]]
    told: Mapping[str, Any]


def encode(told: Mapping[str, Any]) -> bytes:
    """Return the bytes of the file."""
    return (json.dumps({"v": VERSION, **told}, indent=2, ensure_ascii=False) + "\n").encode()


def is_package(folder: Path) -> bool:
    """Return whether a folder looks like a package."""
    return (folder / FILE).is_file() and (folder / "objects").is_dir()


def read(folder: Path) -> Description:
    """Return the description of the package in a folder.

    Raises:
        RequestError: it is no package.
        StateError: a newer mlo wrote it.
        IntegrityError: it is damaged.
    """
    try:
        data = (folder / FILE).read_bytes()
    except OSError as error:
        raise RequestError(
            f"'{folder}' is not a package: it has no {FILE}", hint="mlo package MODEL -o DIR"
        ) from error
    try:
        held = json.loads(data)
        if held["v"] != VERSION:
            raise StateError(
                f"the package in '{folder}' has the format {held['v']}, unknown here",
                hint="use the mlo that is in it: pip install DIR/wheels/*.whl",
            )
        if not is_id(held["version_id"]):
            raise ValueError("no id")
        return Description(
            str(held["model"]),
            int(held["version"]),
            ObjectId(held["version_id"]),
            str(held["runtime"]),
            {name: (str(one[0]), str(one[1])) for name, one in held["packages"].items()},
            held,
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise IntegrityError(f"'{folder / FILE}' is damaged: {error!r}") from error
