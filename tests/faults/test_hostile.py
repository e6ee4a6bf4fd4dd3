"""A remote or a pointer that means harm: refused, and nothing is written outside the project."""

import os
import struct
from pathlib import Path

import pytest
import zstandard
from blake3 import blake3

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.packs import Codec, Kind
from mlops_cli.core.repository import open_repository
from mlops_cli.core.tree import Entry, Mode
from mlops_cli.data import pointer
from mlops_cli.data.fsck import check
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.snapshot import ObjectKind
from tests.conftest import Mlo
from tests.remotes.conftest import plant, raw_of

Stored = tuple[bytes, bytes, int, Kind, Codec]
FILE = b"what is written outside"


def row(name: bytes, mode: int, oid: ObjectId, size: int = 1) -> bytes:
    return struct.pack("<BQ32sH", mode, size, bytes.fromhex(oid), len(name)) + name


def folder_of(*rows: bytes) -> list[Stored]:
    return [raw_of(FILE, Kind.BLOB), raw_of(tree.HEADER + b"".join(rows), Kind.TREE)]


def compressed(content: bytes, *, claims: int | None = None) -> Stored:
    """Return a file whose frame gives more than its index says."""
    frame = zstandard.ZstdCompressor(level=19).compress(content)
    length = len(content) if claims is None else claims
    return blake3(content).digest(), frame, length, Kind.BLOB, Codec.ZSTD


def bomb() -> list[Stored]:
    """Return folders that hold each other ten times over, eight deep: a hundred million files."""
    objects = [raw_of(FILE, Kind.BLOB)]
    below, mode = object_id(FILE), Mode.FILE
    for _ in range(8):
        entries = [Entry(f"{number}", mode, 1, below) for number in range(10)]
        data = tree.encode(entries)
        objects.append(raw_of(data, Kind.TREE))
        below, mode = object_id(data), Mode.FOLDER
    return objects


HARM = {
    "up": folder_of(row(b"../escaped", 1, object_id(FILE))),
    "absolute": folder_of(row(b"/tmp/escaped", 1, object_id(FILE))),
    "below": folder_of(row(b"a/../../escaped", 1, object_id(FILE))),
    "git": folder_of(row(b".GIT", 4, object_id(FILE))),
    "mlo": folder_of(row(b".Mlo", 1, object_id(FILE))),
    "twice": folder_of(row(b"a", 3, object_id(FILE)), row(b"a", 4, object_id(FILE))),
    "folder that is a file": folder_of(row(b"a", 4, object_id(FILE))),
    "tree that is none": [raw_of(b"mlo tree 2\n", Kind.TREE)],
    "folders without end": bomb(),
    "a frame that gives more": [compressed(bytes(200_000_000), claims=100)],
    "a frame that says more": [compressed(bytes(200_000_000))],
    "wrong length": [(blake3(FILE).digest(), FILE, 5, Kind.BLOB, Codec.RAW)],
    "no frame": [(blake3(FILE).digest(), FILE, len(FILE), Kind.BLOB, Codec.ZSTD)],
    "other bytes": [(blake3(b"mine").digest(), FILE, len(FILE), Kind.BLOB, Codec.RAW)],
    "endless length": [(blake3(FILE).digest(), FILE, 1 << 60, Kind.BLOB, Codec.RAW)],
}


@pytest.mark.parametrize("harm", list(HARM))
def test_what_a_hostile_remote_holds_is_not_believed(
    project: Path, mlo_here: Mlo, tmp_path: Path, harm: str
) -> None:
    objects = HARM[harm]
    plant(tmp_path / "remote", *objects)
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    key, _, length, kind, _ = objects[-1]
    kind_of: ObjectKind = "folder" if kind is Kind.TREE else "file"
    (project / "data").mkdir()
    named = Pointer("data/inner", ObjectId(key.hex()), kind_of, min(length, 1 << 40), 1)
    pointer.write(open_repository(project), named)
    before = everything(tmp_path)
    mlo_here("pull", code=4)
    assert everything(tmp_path) == before
    assert not Path("/tmp/escaped").exists()
    assert check(open_repository(project)).problems == ()


def everything(folder: Path) -> set[str]:
    """Return all that is below a folder, but for what stores keep for themselves."""
    return {
        os.path.join(here, name)
        for here, _, names in os.walk(folder)
        for name in names
        if "/.mlo/" not in here + "/" and "/.git/" not in here + "/"
    }


def test_a_file_through_a_link_from_the_remote_is_not_written(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    """One pointer brings a folder with a link out of the project, another a file behind it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    target = os.fsencode(outside)
    listing = tree.encode([Entry("link", Mode.SYMLINK, len(target), object_id(target))])
    plant(
        tmp_path / "remote",
        raw_of(target, Kind.BLOB), raw_of(listing, Kind.TREE), raw_of(FILE, Kind.BLOB),
    )  # fmt: skip
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    (project / "data/link").mkdir(parents=True)
    for path, content, kind in (("data", listing, "folder"), ("data/link/file", FILE, "file")):
        named = Pointer(path, object_id(content), kind, len(content), 1)  # type: ignore[arg-type]
        (project / f"{path}.mlo").write_bytes(pointer.encode(named))
    mlo_here("pull", code=None)
    mlo_here("checkout", "--force", code=None)
    mlo_here("checkout", "data/link/file", "--force", code=None)
    assert list(outside.iterdir()) == []
