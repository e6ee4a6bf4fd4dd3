"""Two stores, and a remote between them."""

from contextlib import suppress
from pathlib import Path

import pytest
from blake3 import blake3

from mlops_cli.core.canonical import encode
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.index_columns import Columns
from mlops_cli.core.objects import Kind
from mlops_cli.core.packs import HEADER, Codec, Entry, trailer
from mlops_cli.core.repository import Repository, create
from mlops_cli.remotes import state
from mlops_cli.remotes.catalogue import key_of
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.state import Held, State


def remote_of(repo: Repository, folder: Path) -> Remote:
    """Return a remote that is a folder."""
    return Remote("origin", FolderTransport(folder), repo.layout.remotes / "origin")


@pytest.fixture
def here(tmp_path: Path) -> Repository:
    """Return an empty store, of who pushes."""
    return create(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Repository:
    """Return an empty store, of who fetches."""
    return create(tmp_path / "there")


def grow(repo: Repository, name: str, note: str) -> ObjectId:
    """Add a record to a chain."""
    old = repo.refs.get(name)
    new = repo.objects.put(encode({"prev": old, "note": note}), Kind.EVENT)
    repo.refs.move({name: (old, new)})
    return new


def bytes_in(folder: Path) -> int:
    """Return the size of the files in a folder that others rename and remove meanwhile."""
    total = 0
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def raw_of(content: bytes, kind: Kind) -> tuple[bytes, bytes, int, Kind, Codec]:
    """Return content as `plant` takes it, stored as it is."""
    return blake3(content).digest(), content, len(content), kind, Codec.RAW


def plant(folder: Path, *objects: tuple[bytes, bytes, int, Kind, Codec]) -> None:
    """Write a remote that holds objects as somebody who means harm would: no check of anything."""
    columns = Columns()
    data = HEADER
    for key, payload, length, kind, how in objects:
        columns.add(key, Entry(len(data), len(payload), length, kind, how))
        data += payload
    index = columns.index()
    data += index.raw + trailer(index, len(data))
    (folder / "packs").mkdir(parents=True)
    (folder / key_of(index.name)).write_bytes(data)
    held = {index.name: Held(len(data), index.count)}
    (folder / "state").write_bytes(state.encode(State(held)))
