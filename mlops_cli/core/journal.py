"""Append-only lines: each record is one JSON line, written by one system call.

A process that dies half way leaves a torn last line, which readers skip; the next append
starts on a line of its own. Several processes may append at once (`O_APPEND`).
"""

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops_cli.core.files import outside


def append(path: str | Path, record: Mapping[str, Any], *, durable: bool = False) -> None:
    """Add one record at the end; with `durable` it has reached the disk on return.

    Raises:
        ExternalError: the disk refuses.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            append_to(handle, record)
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise outside(error, path) from error


def append_to(handle: int, record: Mapping[str, Any]) -> None:
    """Add one record at the end of a file that is open for reading and appending.

    Raises:
        OSError: the disk refuses.
    """
    line = json.dumps(record, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        data = line.encode("utf-8", "surrogateescape") + b"\n"
    except UnicodeEncodeError:  # half of a pair of surrogates, which is no text
        data = line.encode("utf-8", "replace") + b"\n"
    write_line(handle, b"\n" + data if _torn(handle) else data)


def write_line(handle: int, data: bytes) -> None:
    """Write a line by one call.

    Raises:
        OSError: the disk refuses, or has no room for all of it.
    """
    if os.write(handle, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the records in order; none when there is no such file. Torn lines are skipped."""
    try:
        file = open(path, "rb")  # noqa: SIM115  closed below
    except FileNotFoundError:
        return
    with file:
        yield from _records(file)


def tail(path: str | Path, size: int) -> Iterator[dict[str, Any]]:
    """Yield the records within the last `size` bytes, in order; none when there is no such file."""
    try:
        file = open(path, "rb")  # noqa: SIM115  closed below
    except FileNotFoundError:
        return
    with file:
        start = max(0, file.seek(0, os.SEEK_END) - size)
        file.seek(start)
        if start:
            file.readline()
        yield from _records(file)


def _records(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line.decode("utf-8", "surrogateescape"))
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _torn(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
