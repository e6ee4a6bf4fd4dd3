"""Bringing a pack from a remote as it is, once each object in it is what its name says."""

import itertools
import os
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path

from blake3 import blake3

from mlops_cli.core import workers
from mlops_cli.core.extents import write_at
from mlops_cli.core.files import outside, sync_folder
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.packs import SUFFIX, Kind, Pack, as_id
from mlops_cli.core.read_many import Ahead
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, IntegrityError
from mlops_cli.remotes.catalogue import key_of
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.transport import Transport

_PART_BYTES = 8 * 1024 * 1024
_BYTES = frozenset({Kind.BLOB, Kind.CHUNK})
"""Kinds of which nothing is to be checked but the hash."""

_WORTH_A_PROCESS = 5_000
"""How many objects to check pay for a process more."""


def take(
    repo: Repository,
    transport: Transport,
    name: str,
    size: int,
    *,
    check: Callable[[ObjectId, Kind, bytes], None],
    advance: Callable[[int], None],
) -> None:
    """Copy a pack of `size` bytes that holds nothing made of other objects.

    `check` raises where content is not what its id says; the pack is not kept then.

    Raises:
        IntegrityError: something in it is not what it should be.
        ExternalError: it cannot be read there, or written here.
    """
    room = repo.layout.tmp / f"fetch-{os.getpid()}-{os.urandom(4).hex()}"
    path = room / (name + SUFFIX)
    try:
        room.mkdir()
        _download(transport, name, size, path, advance)
        _check_all(Pack(path), check)
        os.replace(path, repo.layout.packs / path.name)
        sync_folder(repo.layout.packs)
    except OSError as error:
        raise outside(error, path) from error
    finally:
        path.unlink(missing_ok=True)
        if room.is_dir():
            room.rmdir()


def _download(
    transport: Transport, name: str, size: int, path: Path, advance: Callable[[int], None]
) -> None:
    with path.open("xb", buffering=0) as file:
        if isinstance(transport, FolderTransport):
            transport.copy(key_of(name), size, file.fileno())
            advance(size)
        else:
            _download_parts(transport, name, size, file.fileno(), advance)
        os.fsync(file.fileno())


def _download_parts(
    transport: Transport, name: str, size: int, target: int, advance: Callable[[int], None]
) -> None:
    for start in range(0, size, _PART_BYTES):
        length = min(_PART_BYTES, size - start)
        data = transport.read(key_of(name), start, length)
        if len(data) != length:
            raise ExternalError(f"'{key_of(name)}' on '{transport.url}' ended early")
        write_at(target, data, start)
        advance(length)


def _check_all(pack: Pack, check: Callable[[ObjectId, Kind, bytes], None]) -> None:
    """Check the objects of a pack, neighbours by one process each."""
    index = pack.index
    rows = sorted(index.rows(), key=itemgetter(1))

    def work(part: slice, _: Callable[[int], None]) -> bytes:
        ahead = Ahead()
        for row in rows[part]:
            key, kind = row[0], row[-2]
            content = ahead.content(pack, row)
            if content is None:
                raise IntegrityError(f"object {as_id(key)} is stored in a way unknown here")
            if kind not in _BYTES or blake3(content).digest() != key:
                check(as_id(key), Kind(kind), bytes(content))
        return b""

    shares = workers.helpful(index.count, least=_WORTH_A_PROCESS)
    edges = [index.count * at // shares for at in range(shares + 1)]
    parts = [slice(start, end) for start, end in itertools.pairwise(edges)]
    workers.share(parts, work, lambda _: None)
