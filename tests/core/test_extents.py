"""A large file that does not compress lies in its pack so that both can share blocks."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_cli.core import extents
from mlops_cli.core.extents import BLOCK, Extent, Source
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.packs import Codec
from tests.conftest import noise


def store_in(folder: Path) -> ObjectStore:
    for name in ("packs", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    return ObjectStore(folder / "packs", folder / "tmp")


def put(store: ObjectStore, path: Path) -> ObjectId:
    with store.writer() as writer:
        return writer.put_file(path)[0]


def write(store: ObjectStore, oid: ObjectId, path: Path) -> bytes:
    with path.open("xb") as file:
        store.write_to(file.fileno(), oid)
    return path.read_bytes()


@pytest.fixture
def sharing(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system whose files can share blocks."""
    if os.geteuid() != 0 or not shutil.which("mkfs.xfs"):
        pytest.skip("needs root and mkfs.xfs")
    image, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(320 * 1024 * 1024)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def used(folder: Path) -> int:
    os.sync()
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def test_each_run_of_a_file_lies_in_the_pack_as_it_lies_in_the_file(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    content = noise(3_000_000) + b"x" * 500_000 + noise(3_000_001, 2)
    (tmp_path / "file").write_bytes(content)
    store.put(b"something before")
    oid = put(store, tmp_path / "file")
    place = aligned = 0
    for chunk in store.chunks(oid):
        entry = store.stored(chunk)[1]
        if entry.codec is Codec.RAW and (entry.offset - place) % BLOCK == 0:
            aligned += entry.length
        place += entry.length
    assert aligned > 5_500_000
    assert write(store, oid, tmp_path / "again") == content


def test_small_files_leave_no_gaps(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    with store.writer() as writer:
        for seed in range(20):
            (tmp_path / "file").write_bytes(noise(200_000, seed))
            writer.put_file(tmp_path / "file")
    (index,) = store.indexes().values()
    stored = sum(index.entry(at).stored for at in range(index.count))
    assert store.pack(index.name).payload_end == 16 + stored


@pytest.mark.parametrize(("start", "place"), [(0, 0), (5, 5), (5, 4101), (5, 6), (4096, 0)])
def test_a_part_of_a_file_becomes_a_part_of_another(tmp_path: Path, start: int, place: int) -> None:
    content = noise(3_000_000)
    (tmp_path / "from").write_bytes(content)
    source = Source(os.open(tmp_path / "from", os.O_RDONLY))
    with (tmp_path / "to").open("wb") as file:
        Extent(source, start, 2_500_000).write(file.fileno(), place)
    found = (tmp_path / "to").read_bytes()
    assert found[place:] == content[start : start + 2_500_000]


def test_a_file_that_ends_early_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "from").write_bytes(b"short")
    source = Source(os.open(tmp_path / "from", os.O_RDONLY))
    with (tmp_path / "to").open("wb") as file, pytest.raises(OSError, match="ended early"):
        Extent(source, 0, 100).write(file.fileno(), 0)


def test_a_large_file_takes_its_space_once_where_blocks_can_be_shared(sharing: Path) -> None:
    store = store_in(sharing)
    content = noise(100_000_000)
    (sharing / "file").write_bytes(content)
    before = used(sharing)
    oid = put(store, sharing / "file")
    assert write(store, oid, sharing / "again") == content
    assert used(sharing) - before < 5_000_000


def test_what_was_frozen_stays_when_the_file_changes(sharing: Path) -> None:
    content = noise(2_000_000)
    (sharing / "file").write_bytes(content)
    with (sharing / "file").open("rb") as file:
        frozen = extents.freeze(file.fileno(), sharing)
    assert frozen is not None
    (sharing / "file").write_bytes(b"changed")
    assert os.pread(frozen.handle, 3_000_000, 0) == content
    assert [path.name for path in sharing.iterdir()] == ["file"]
