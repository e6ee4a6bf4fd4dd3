"""What Arrow does not do by itself with delimited text: mind the last quote, and odd file names."""

import os
from pathlib import Path
from typing import Any

from mlops_cli.data.unpacked import opened

_PIECE_BYTES = 1 << 20


def source(path: Path) -> Any:
    """Return what Arrow opens for a file, of which the name need not be valid text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        import pyarrow

        return pyarrow.OSFile(os.fsencode(path))
    return str(path)


def is_open(path: Path, name: str, delimiter: str, batch: Any) -> bool:
    """Return whether a quote in the last row of a file is never closed.

    Arrow takes all from there to the end for the last cell, in silence. In a packed file only a
    cell that holds the end of a line is looked at: to see the end of it, all is unpacked again.

    Args:
        path: the file.
        name: what it is called.
        delimiter: what stands between its cells.
        batch: its last rows, at least one, as Arrow has read them.
    """
    cell = batch.column(batch.num_columns - 1)[-1].as_py()
    packed = Path(name.lower()).suffix not in (".csv", ".tsv")
    if not isinstance(cell, str) or (packed and "\n" not in cell):
        return False  # a number or nothing holds no rows
    text = cell.encode()
    end = _end(path, name, 2 * len(text) + 64, packed=packed).rstrip(b"\r\n")
    closed = text.replace(b'"', b'""') + b'"'
    bare = text.rstrip(b"\r\n")
    marks = (delimiter.encode(), b"\n", b"\r")
    return not (end.endswith(closed) or any(end.endswith(mark + bare) for mark in marks))


def _end(path: Path, name: str, size: int, *, packed: bool) -> bytes:
    """Return the last bytes of a file, at least `size`, and a piece for empty lines after them."""
    most = size + _PIECE_BYTES
    found = b""
    with opened(path, name) as file:
        if not packed:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        while piece := file.read(_PIECE_BYTES):
            found = (found + piece)[-most:]
    return found
