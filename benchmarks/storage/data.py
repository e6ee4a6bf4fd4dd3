"""The data that is versioned. The same seed gives the same bytes.

All but `change` may take much memory; run them with `apart`, so that whoever measures stays small.
"""

import multiprocessing
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

MIB = 1 << 20
FILE_BYTES = 4096
EDITS = ("replaced and inserted", "scattered", "appended")
_BLOCK = 100_000
_CATEGORIES = ("books", "clothing", "electronics", "food", "garden", "health", "music", "toys")
_REGIONS = ("ap-south", "eu-north", "eu-west", "us-east")


def apart(make: Callable[..., object], *args: object) -> None:
    """Call a function in a process of its own.

    Raises:
        RuntimeError: it failed; what it said is on stderr.
    """
    process = multiprocessing.get_context("fork").Process(target=make, args=args)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{make.__name__} failed")


def large(path: Path, size: int, *, seed: int = 1) -> None:
    """Write one file of `size` bytes that cannot be compressed."""
    source = random.Random(seed)
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(source.randbytes(min(MIB, size - start)))


def many(root: Path, folders: int, files: int, *, seed: int = 2) -> None:
    """Write `folders` folders of `files` files of 4 KiB that cannot be compressed."""
    source = random.Random(seed)
    for folder in range(folders):
        (root / f"{folder:05}").mkdir(parents=True)
        for file in range(files):
            _small(root, folder, file).write_bytes(source.randbytes(FILE_BYTES))


def change(root: Path, folders: int, files: int, *, count: int, seed: int) -> None:
    """Give `count` files, spread evenly over what `many` wrote, other bytes of the same length."""
    source = random.Random(seed)
    for number in range(0, folders * files, folders * files // count)[:count]:
        _small(root, *divmod(number, files)).write_bytes(source.randbytes(FILE_BYTES))


def _small(root: Path, folder: int, file: int) -> Path:
    return root / f"{folder:05}" / f"{file:05}.bin"


def versions(folder: Path, rows: int) -> None:
    """Write a table in 4 versions, `0.csv` to `3.csv`, each made from the one before.

    Edit 1 replaces 0.1 % of the rows, in one block in the middle, and inserts as many after them.
    Edit 2 changes two numbers in each of 0.1 % of the rows, scattered. Edit 3 appends 0.1 %.
    The numbers `x` have all their digits, as pandas writes them, so that half is digits at random.
    """
    edited = max(1, rows // 1000)
    with (folder / "0.csv").open("wb") as file:
        file.write(b"id,time,customer,category,region,price,quantity,returned,x1,x2,x3,x4\n")
        file.writelines(_orders(0, rows, seed=3))
    _replace(folder, start=1 + rows // 2, new=list(_orders(rows, 2 * edited, seed=4)))
    _scatter(folder, rows=rows, count=edited)
    shutil.copyfile(folder / "2.csv", folder / "3.csv")
    with (folder / "3.csv").open("ab") as file:
        file.writelines(_orders(rows + 2 * edited, edited, seed=6))


def _replace(folder: Path, *, start: int, new: list[bytes]) -> None:
    """Make version 1: put `new` at line `start`, over half as many lines."""
    with (folder / "0.csv").open("rb") as old, (folder / "1.csv").open("wb") as file:
        for number, line in enumerate(old):
            if number == start:
                file.writelines(new)
            if not start <= number < start + len(new) // 2:
                file.write(line)


def _scatter(folder: Path, *, rows: int, count: int) -> None:
    """Make version 2: another price and another `x1` in some lines."""
    source = random.Random(5)
    chosen = set(source.sample(range(1, rows), count))
    with (folder / "1.csv").open("rb") as old, (folder / "2.csv").open("wb") as file:
        for number, line in enumerate(old):
            if number in chosen:
                cells = line.split(b",")
                cells[5] = b"%.2f" % source.uniform(1, 500)
                cells[8] = b"%r" % source.gauss(0, 1)
                line = b",".join(cells)
            file.write(line)


def _orders(first: int, rows: int, *, seed: int) -> Iterator[bytes]:
    """Yield lines of a table of orders, in blocks that numpy fills."""
    import numpy as np

    rng = np.random.default_rng(seed)
    start = np.datetime64("2024-01-01T00:00:00") + np.timedelta64(7 * first, "s")
    for done in range(0, rows, _BLOCK):
        size = min(_BLOCK, rows - done)
        seconds = np.cumsum(rng.integers(0, 15, size))
        columns = (
            range(10_000_000 + first + done, 10_000_000 + first + done + size),
            np.datetime_as_string(start + seconds.astype("timedelta64[s]")).tolist(),
            rng.integers(100_000, 999_999, size).tolist(),
            [_CATEGORIES[i] for i in rng.integers(0, len(_CATEGORIES), size).tolist()],
            [_REGIONS[i] for i in rng.integers(0, len(_REGIONS), size).tolist()],
            rng.gamma(2.0, 40.0, size).tolist(),
            rng.integers(1, 9, size).tolist(),
            ["yes" if back else "no" for back in (rng.random(size) < 0.05).tolist()],
            *(rng.normal(size=size).tolist() for _ in range(4)),
        )
        for row in zip(*columns, strict=True):
            order, time, customer, kind, region, price, pieces, back, *xs = row
            sold = f"{order},{time}Z,cust-{customer},{kind},{region},{price:.2f},{pieces},{back}"
            yield ",".join((sold, *map(repr, xs))).encode() + b"\n"
        start = start + seconds[-1].astype("timedelta64[s]")
