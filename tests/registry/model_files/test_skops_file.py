"""A skops file runs no code, and cannot fill the memory before it is refused."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from mlops_cli.errors import RequestError
from mlops_cli.registry import formats, skops_zip


def archive(parts: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return buffer.getvalue()


def fitted() -> LinearRegression:
    return LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0])


def test_a_file_that_skops_packed_loads(tmp_path: Path) -> None:
    skops.io.dump(fitted(), tmp_path / "m.skops", compression=zipfile.ZIP_DEFLATED)
    loaded = formats.load(tmp_path / "m.skops", trust=False)
    assert loaded.model.predict([[3.0]]).tolist() == pytest.approx([6.0])


@pytest.mark.parametrize("part", ["schema.json", "1.npy"])
def test_a_bomb_is_refused_before_it_is_inflated(tmp_path: Path, part: str) -> None:
    path = tmp_path / "bomb.skops"
    path.write_bytes(archive({"schema.json": b"{}", part: b" " * (70 * 1024 * 1024)}))
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(RequestError, match="far larger unpacked"):
            formats.untrusted_types(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * skops_zip.ALWAYS_BYTES + 10_000_000
    finally:
        tracemalloc.stop()


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    data = archive({"schema.json": b" " * 70_000_000})
    size = (70_000_000).to_bytes(4, "little")
    assert data.count(size) == 2
    with pytest.raises(RequestError, match="not a whole skops file"):
        skops_zip.bounded(data.replace(size, (10).to_bytes(4, "little")), where="it")


def test_parts_that_share_their_bytes_are_refused() -> None:
    data = archive({"a": b"x" * 1000, "b": b"y"}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        first, second = file.infolist()
    directory = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    forged = bytearray(data)
    for at in (20, 24):  # the second entry's sizes, and then its place, are those of the first
        forged[directory + at : directory + at + 4] = first.file_size.to_bytes(4, "little")
    forged[directory + 42 : directory + 46] = first.header_offset.to_bytes(4, "little")
    assert second.file_size == 1
    with pytest.raises(RequestError, match="far larger"):
        skops_zip.bounded(bytes(forged), where="it")


def test_ways_of_packing_that_cannot_be_bounded_are_refused() -> None:
    with pytest.raises(RequestError, match="packed in another way"):
        skops_zip.bounded(archive({"schema.json": b"{}"}, zipfile.ZIP_LZMA), where="it")
