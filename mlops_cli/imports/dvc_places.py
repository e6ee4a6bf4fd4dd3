"""Where a DVC project keeps bytes: its cache, and the remotes that can be read without DVC.

Content lies under its MD5, as `files/md5/ab/cdef...` since DVC 3 and as `ab/cdef...` before.
"""

import hashlib
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from configparser import Error as ParserError
from configparser import RawConfigParser
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mlops_cli.data.dvc_files import Digest
from mlops_cli.errors import ExternalError, IntegrityError, RequestError
from mlops_cli.imports import urls
from mlops_cli.imports.arrival import Readable

CONFIG = ".dvc/config"
LOCAL_CONFIG = ".dvc/config.local"
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_LOOKED_AT = 512
_BLOCK = 2**20
"""DVC before 3 hashed blocks of this size, each with its line ends made Unix's."""


class Place(Protocol):
    """One cache or remote."""

    @property
    def name(self) -> str:
        """What people are told of it."""
        ...

    def open(self, key: str) -> AbstractContextManager[Readable] | None:
        """Open the file of this name, relative to the place; None when there is none."""
        ...

    def praise(self, key: str) -> None:
        """Hear that what was read under this name was as it should be."""


class _Deaf:
    """A place to which it is all the same what becomes of what it gives."""

    __slots__ = ()

    def praise(self, key: str) -> None:
        """Do nothing; see `Place`."""


@dataclass(frozen=True, slots=True)
class Folder(_Deaf):
    """A cache, or a remote that is a folder."""

    name: str
    root: Path

    def open(self, key: str) -> AbstractContextManager[Readable] | None:
        """Open a file; see `Place`."""
        try:
            return (self.root / key).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ExternalError(f"cannot read '{self.root / key}': {reason}") from error


@dataclass(frozen=True, slots=True)
class Web(_Deaf):
    """A remote that a web server gives."""

    name: str
    url: str

    def open(self, key: str) -> AbstractContextManager[Readable] | None:
        """Open a file; see `Place`."""
        from mlops_cli.imports.http import Download, Gone

        try:
            return Download(f"{self.url.rstrip('/')}/{key}")
        except Gone:
            return None


@dataclass(frozen=True, slots=True)
class Bucket(_Deaf):
    """A remote in a bucket."""

    name: str
    url: str
    environment: Mapping[str, str]

    def open(self, key: str) -> AbstractContextManager[Readable] | None:
        """Open a file; see `Place`."""
        from mlops_cli.imports.s3 import open_key

        return open_key(self.url, key, self.environment)


@dataclass(frozen=True, slots=True)
class Config:
    """What `.dvc/config` says, of what matters here.

    Attributes:
        remotes: options of each remote by its name; `url` is one.
        default: the remote that is meant when none is named.
        cache: the folder of the cache as it is written; None for the usual one.
    """

    remotes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    default: str | None = None
    cache: str | None = None


def read_config(*texts: bytes | None) -> Config:
    """Return what these files say together; later ones win.

    Raises:
        RequestError: one of them is not laid out as git's settings are.
    """
    parser = RawConfigParser(strict=False)
    for text in texts:
        if text is None:
            continue
        try:
            lines = text.decode("utf-8", "surrogateescape").splitlines()
            parser.read_string("\n".join(line.strip() for line in lines))
        except ParserError as error:
            raise RequestError(f"'{CONFIG}' is not laid out as DVC's settings are") from error
    remotes = {}
    for title in parser.sections():
        bare = title.strip("'")
        if bare.startswith('remote "') and bare.endswith('"'):
            remotes[bare.removeprefix('remote "')[:-1]] = dict(parser[title])
    return Config(
        remotes,
        parser.get("core", "remote", fallback=None),
        parser.get("cache", "dir", fallback=None),
    )


def places(root: Path, config: Config, *, cached: bool) -> tuple[list[Place], list[str]]:
    """Return where content may be, the nearest first, and why a remote is not among them.

    `root` is the DVC project's folder. With `cached` its cache counts.
    """
    found: list[Place] = []
    if cached:
        found.append(Folder("the cache", folder(root, config.cache or "cache")))
    skipped: list[str] = []
    for name in sorted(config.remotes, key=lambda one: one != config.default):
        options = config.remotes[name]
        try:
            found.append(_remote(root, name, options))
        except RequestError as error:
            skipped.append(f"remote '{name}': {error.message}")
    return found, skipped


def _remote(root: Path, name: str, options: Mapping[str, str]) -> Place:
    url = options.get("url", "")
    scheme = urls.scheme_of(url)
    if options.get("version_aware") == "true" or options.get("worktree") == "true":
        raise RequestError("keeps files by their own names, not by MD5")
    if scheme is None and url:
        return Folder(f"remote '{name}'", folder(root, url))
    if scheme in ("http", "https"):
        return Web(f"remote '{name}'", url)
    if scheme == "s3":
        return Bucket(f"remote '{name}'", url, _environment(options))
    raise RequestError(f"'{scheme}://' cannot be read; get it with: dvc fetch --all-commits")


def folder(root: Path, written: str) -> Path:
    """Return a folder that a setting names; it starts from where the settings are."""
    return Path(os.path.normpath(root / ".dvc" / Path(written).expanduser()))


def _environment(options: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with what DVC's settings say of an S3 remote."""
    names = {"endpointurl": "AWS_ENDPOINT_URL", "profile": "AWS_PROFILE", "region": "AWS_REGION"}
    given = {variable: options[name] for name, variable in names.items() if name in options}
    return {**os.environ, **given}


def keys(digest: Digest) -> tuple[str, str]:
    """Return the names that content may have in a cache or remote.

    >>> keys(Digest("md5", "d41d8cd98f00b204e9800998ecf8427e"))[0]
    'files/md5/d4/1d8cd98f00b204e9800998ecf8427e'
    """
    old = f"{digest.hex[:2]}/{digest.hex[2:]}" + (".dir" if digest.folder else "")
    new = f"files/md5/{old}"
    return (new, old) if digest.name == "md5" else (old, new)


@contextmanager
def opened(places: Sequence[Place], digest: Digest) -> "Iterator[Iterator[Checked]]":
    """Yield the streams that may give content, one place after the other, each only when drawn."""

    def streams() -> "Generator[Checked, None, None]":
        for place in places:
            for key in keys(digest):
                stream = place.open(key)
                if stream is not None:
                    with stream as source:
                        yield Checked(source, digest, place, key)

    with closing(streams()) as drawn:
        yield drawn


class Checked:
    """A stream that has the MD5 that it should have, or ends in an error."""

    def __init__(self, source: Readable, digest: Digest, place: Place, key: str) -> None:
        self._source = source
        self._digest = digest
        self._place = place
        self._key = key
        self._hashers = [_md5()] if digest.name == "md5" else [_md5(), _md5(), _md5()]
        self._is_text: bool | None = None
        self._block = b""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes.

        Raises:
            IntegrityError: all have come, and they are not what they should be.
        """
        piece = self._source.read(size)
        self._hashers[0].update(piece)
        if len(self._hashers) > 1:
            self._as_before_dvc_3(piece)
        if not piece and size:
            self._check()
        return piece

    def _as_before_dvc_3(self, piece: bytes) -> None:
        """Hash text with Unix line ends, by blocks as DVC did: what is text was told by its
        beginning, of the file or, later, of each block.
        """
        self._block += piece
        while len(self._block) >= _BLOCK or (not piece and self._block):
            block, self._block = self._block[:_BLOCK], self._block[_BLOCK:]
            if self._is_text is None:
                self._is_text = _is_text(block)
            unix = block.replace(b"\r\n", b"\n")
            self._hashers[1].update(unix if self._is_text else block)
            self._hashers[2].update(unix if _is_text(block) else block)

    def _check(self) -> None:
        if self._digest.hex not in [hasher.hexdigest() for hasher in self._hashers]:
            raise IntegrityError(
                f"what {self._place.name} has for {self._digest} is damaged: "
                f"its MD5 is {self._hashers[0].hexdigest()}"
            )
        self._place.praise(self._key)


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _is_text(block: bytes) -> bool:
    head = block[:_LOOKED_AT]
    return b"\0" not in head and len(head.translate(None, _TEXT)) <= 0.3 * len(head)
