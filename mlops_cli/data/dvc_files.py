"""What DVC's own files say: the outputs that a `.dvc` file or a `dvc.lock` names, by their MD5."""

import posixpath
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from mlops_cli.core import yaml_nodes
from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.data import paths
from mlops_cli.errors import IntegrityError

SUFFIX = ".dvc"
LOCKFILE = "dvc.lock"
PATTERNS = ("*.dvc", LOCKFILE, f"*/{LOCKFILE}")
"""What git is asked for to find them all."""

_HEX = re.compile(r"[0-9a-f]{32}")
_FOLDER = ".dir"


class Digest(NamedTuple):
    """How DVC names content: an MD5, of the bytes or, before DVC 3, of text with Unix line ends.

    `folder` tells that it is the MD5 of a list of files.
    """

    name: Literal["md5", "md5-dos2unix"]
    hex: str
    folder: bool = False

    def __str__(self) -> str:
        return f"{self.name}:{self.hex}{_FOLDER if self.folder else ''}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where DVC imported an output from: the keys of its only dependency."""

    url: str
    path: str | None = None
    revision: str | None = None
    commit: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Out:
    """One output: the path from the project's root, and its content.

    Attributes:
        digest: None when the content is named in another way, as external outputs are.
        cached: whether DVC keeps the content; git does otherwise.
        stage: the stage of `dvc.lock` that made it; None for a `.dvc` file.
    """

    path: str
    digest: Digest | None
    executable: bool = False
    cached: bool = True
    stage: str | None = None
    origin: Origin | None = None


def parse_digest(text: str) -> Digest | None:
    """Return the digest of which `text` is the written form, or None.

    >>> parse_digest("md5:d41d8cd98f00b204e9800998ecf8427e.dir")
    Digest(name='md5', hex='d41d8cd98f00b204e9800998ecf8427e', folder=True)
    """
    name, _, rest = text.partition(":")
    if name not in ("md5", "md5-dos2unix"):
        return None
    return _digest(rest, legacy=name == "md5-dos2unix")


def is_dvc_file(file: str) -> bool:
    """Return whether a file's name says that outputs are named in it."""
    name = file.rpartition("/")[2]
    return name == LOCKFILE or (name.endswith(SUFFIX) and name != SUFFIX)


def outs(file: str, data: bytes, *, rev: str | None = None) -> list[Out]:
    """Return the outputs that the `.dvc` file or `dvc.lock` at `file` names, in its order.

    Paths outside the project are left out: DVC does not keep their content.

    Raises:
        RequestError: it is not such a file; the message names file and line.
    """
    document = yaml_nodes.parse(data, where=f"{file}@{rev}" if rev else file)
    folder = posixpath.dirname(file)
    if posixpath.basename(file) == LOCKFILE:
        return [out for name, stage in _stages(document) for out in _outs(stage, folder, name)]
    top = dict(document.items())
    folder = posixpath.join(folder, top["wdir"].word()) if "wdir" in top else folder
    found = _outs(document, folder, None)
    origin = _origin(top["deps"]) if "deps" in top else None
    if origin is not None and len(found) == 1:
        one = found[0]
        return [Out(one.path, one.digest, one.executable, one.cached, None, origin)]
    return found


def place(folder: str, written: str) -> str | None:
    """Return a path from the project's root that DVC has from `folder`; None for one outside.

    >>> place("src", "../data/raw.csv"), place("", "/tmp/x"), place("", "../x")
    ('data/raw.csv', None, None)
    """
    path = posixpath.normpath(posixpath.join(folder, written))
    try:
        paths.check(path)
    except IntegrityError:
        return None
    return path


def _stages(document: Value) -> Iterator[tuple[str, Value]]:
    top = dict(document.items())
    if "schema" in top:
        yield from top["stages"].items() if "stages" in top else ()
    else:
        yield from top.items()


def _outs(stage: Value, folder: str, name: str | None) -> list[Out]:
    listed = dict(stage.items()).get("outs")
    if listed is None:
        return []
    found = (_out(value, folder, name) for value in listed.each())
    return [out for out in found if out is not None]


def entry(value: Value) -> Out | None:
    """Return a dependency or output of a stage of the lock in the project's root."""
    return _out(value, "", None)


def _out(value: Value, folder: str, stage: str | None) -> Out | None:
    keys = dict(value.items())
    path = place(folder, keys["path"].word()) if "path" in keys else None
    if path is None:
        return None
    digest = None
    if "md5" in keys:
        legacy = "hash" not in keys or keys["hash"].word() == "md5-dos2unix"
        digest = _digest(keys["md5"].word(), legacy=legacy)
        if digest is None:
            raise keys["md5"].fail("is not an MD5: 32 hex digits are needed")
    executable = "isexec" in keys and keys["isexec"].boolean()
    cached = "cache" not in keys or keys["cache"].boolean()
    return Out(path, digest, executable, cached, stage)


def _digest(text: str, *, legacy: bool) -> Digest | None:
    digits = text.removesuffix(_FOLDER)
    if not _HEX.fullmatch(digits):
        return None
    return Digest("md5-dos2unix" if legacy else "md5", digits, digits != text)


def _origin(deps: Value) -> Origin | None:
    listed = list(deps.each())
    if len(listed) != 1:
        return None
    keys = dict(listed[0].items())
    if "path" not in keys:
        return None
    path = keys["path"].word()
    etag = keys["etag"].word() if "etag" in keys else None
    if "repo" not in keys:
        return Origin(path, etag=etag) if "://" in path else None
    repo = {key: value.word() for key, value in keys["repo"].items() if key != "config"}
    if "url" not in repo:
        return None
    return Origin(repo["url"], path, repo.get("rev"), repo.get("rev_lock"))
