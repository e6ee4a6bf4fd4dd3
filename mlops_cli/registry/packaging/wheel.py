"""The wheel of this mlo, made from the package as it is installed, without a network."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import mlops_cli
from mlops_cli.core import templates
from mlops_cli.errors import StateError

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file: a wheel of the same mlo has the same bytes."""
_WHEEL = "Wheel-Version: 1.0\nGenerator: mlo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def name() -> str:
    """Return the file name of the wheel."""
    return f"mlo-{mlops_cli.__version__}-py3-none-any.whl"


@cache
def build() -> bytes:
    """Return the wheel's bytes, made once in a process.

    Raises:
        StateError: mlo is not installed as a package, so nothing says what it needs.
    """
    try:
        info = distribution("mlo")
    except PackageNotFoundError as error:
        raise StateError("mlo is not installed here", hint="pip install .") from error
    folder = f"mlo-{mlops_cli.__version__}.dist-info"
    files = dict(_code())
    for kept in ("METADATA", "entry_points.txt"):
        files[f"{folder}/{kept}"] = (info.read_text(kept) or "").encode()
    files[f"{folder}/WHEEL"] = _WHEEL.encode()
    record = f"{folder}/RECORD"
    lines = [_line(path, data) for path, data in sorted(files.items())]
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def _code() -> Iterator[tuple[str, bytes]]:
    package = Path(mlops_cli.__file__).parent
    for path in sorted(package.rglob("*")):
        within = path.relative_to(package)
        if path.is_file() and "__pycache__" not in within.parts and within.parts[0] != "templates":
            yield f"mlops_cli/{within.as_posix()}", path.read_bytes()
    for within_templates, data in templates.everything().items():
        yield f"mlops_cli/templates/{within_templates}", data


def _line(path: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"
