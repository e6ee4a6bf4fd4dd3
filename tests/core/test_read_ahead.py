"""What is read ahead comes whole and in order, and what goes wrong is told where it is used."""

import threading
from collections.abc import Callable

import pytest

from mlops_cli.core.read_ahead import SLICE_BYTES, ReadAhead


def reader(data: bytes, *, piece: int = SLICE_BYTES) -> Callable[[memoryview], int]:
    """Return what fills a buffer with the next bytes of `data`, at most `piece` at once."""
    at = 0

    def fill(buffer: memoryview) -> int:
        nonlocal at
        part = data[at : at + min(piece, len(buffer))]
        buffer[: len(part)] = part
        at += len(part)
        return len(part)

    return fill


@pytest.mark.parametrize("size", [0, 1, SLICE_BYTES, SLICE_BYTES + 1, 5 * SLICE_BYTES + 7])
def test_all_bytes_come_in_order(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    ahead = ReadAhead(size)
    for _ in range(2):
        found = b"".join([bytes(one) for one in ahead.slices(reader(data[:size]), size)])
        assert found == data[:size]


def test_a_content_that_is_longer_or_shorter_than_was_said_comes_as_it_is() -> None:
    data = bytes(3 * SLICE_BYTES)
    for told in (1, 9 * SLICE_BYTES):
        pieces = ReadAhead(told).slices(reader(data, piece=100_000), told)
        assert sum(map(len, pieces)) == len(data)


@pytest.mark.parametrize("size", [1, 3 * SLICE_BYTES])
def test_what_goes_wrong_is_raised_to_who_reads(size: int) -> None:
    def fill(buffer: memoryview) -> int:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        list(ReadAhead(size).slices(fill, size))


def test_no_thread_is_left_when_who_reads_stops_early() -> None:
    before = threading.active_count()
    pieces = ReadAhead(9 * SLICE_BYTES).slices(reader(bytes(9 * SLICE_BYTES)), 9 * SLICE_BYTES)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # a generator
    assert threading.active_count() == before
