"""What of a prediction is kept: which requests, which columns, and which only as a hash."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from mlops_cli.core.files import outside

SALT = "salt"
"""The file beside the folders of the models, without which no hash can be tried for a value."""
_SALT_BYTES = 32
_HASH_DIGITS = 16
_MASK = (1 << 64) - 1


def is_kept(seed: int, number: int, share: float) -> bool:
    """Return whether the request whose first row has this number is kept.

    It is the same for the same number whenever it is asked, and of many numbers, in any pattern,
    about `share` are kept. By splitmix64.

    Source:
        G. L. Steele, D. Lea, C. H. Flood, Fast Splittable Pseudorandom Number Generators,
        OOPSLA 2014.

    >>> sum(is_kept(7, number, 0.1) for number in range(100_000))
    9952
    """
    mixed = (number * 0x9E3779B97F4A7C15 + seed) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (mixed ^ (mixed >> 31)) < share * 2**64


def chosen(
    seed: int, first: int, rows: int, sizes: Sequence[int] | None, share: float
) -> tuple[int, ...] | None:
    """Return which of `rows` rows are kept, whole requests each; None stands for all.

    `sizes` are the rows of each request; None for one request.
    """
    if share >= 1:
        return None
    if sizes is None or len(sizes) == 1:
        return None if is_kept(seed, first, share) else ()
    kept: list[int] = []
    start = 0
    for size in sizes:
        if is_kept(seed, first + start, share):
            kept += range(start, start + size)
        start += size
    return None if len(kept) == rows else tuple(kept)


def salt(folder: Path) -> bytes:
    """Return the secret of this clone's hashes, made when it is not there.

    Raises:
        ExternalError: it cannot be read or written.
    """
    path = folder / SALT
    try:
        while True:
            try:
                return path.read_bytes()
            except FileNotFoundError:
                _make(path)
    except OSError as error:
        raise outside(error, path) from error


def _make(path: Path) -> None:
    """Write a new secret, whole, unless another process is first."""
    temporary = path.with_name(f".{SALT}-{os.urandom(6).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(_SALT_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)


def hashed(secret: bytes, value: Any) -> str:
    """Return what is kept of a value that nobody is to read: equal values stay equal.

    >>> hashed(bytes(32), "ada@example.org")
    '6fce9fa9c81d1814'
    """
    from blake3 import blake3

    data = value.encode("utf-8", "surrogatepass") if type(value) is str else orjson.dumps(value)
    return blake3(data, key=secret).hexdigest()[:_HASH_DIGITS]
