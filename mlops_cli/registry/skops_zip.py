"""A skops file as a zip archive that cannot grow when it is read.

A few bytes of a compressed archive can stand for gigabytes, and its own sizes may lie. skops reads
parts whole, so a packed file is unpacked here, in pieces and up to a bound, before skops sees it.
"""

import io
import zipfile
import zlib

from mlops_cli.errors import RequestError

MOST_TIMES = 50
"""Arrays of honest models shrink to a tenth, and rarely to a thirtieth."""
ALWAYS_BYTES = 64 * 1024 * 1024
"""So much may come of any file, however small."""
_PIECE = 1024 * 1024
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of packing that zipfile unpacks in pieces; of others it inflates all that it has read."""


class _TooLarge(Exception):
    pass


def bounded(data: bytes, *, where: str) -> bytes:
    """Return a skops file that holds the same parts, none of them compressed.

    Raises:
        RequestError: it is no whole archive, or would be far larger unpacked than it is.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if all(one.compress_type == zipfile.ZIP_STORED for one in parts):
                _check_stored(parts, len(data))
                return data
            if any(one.compress_type not in _BOUNDED for one in parts):
                raise NotImplementedError("it is packed in another way than skops packs")
            return _unpacked(archive, parts, max(ALWAYS_BYTES, MOST_TIMES * len(data)))
    except _TooLarge as error:
        raise RequestError(
            f"'{where}' would be far larger unpacked than its {len(data):,} bytes",
            hint="save the model again, with skops.io.dump as it is by default",
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RequestError(
            f"'{where}' is not a whole skops file: {error}", hint="save the model again"
        ) from error


def _check_stored(parts: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse parts that share their bytes: together they would be more than the file."""
    if sum(max(one.file_size, one.compress_size) for one in parts) > size:
        raise _TooLarge


def _unpacked(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], most: int) -> bytes:
    left = most
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as plain:
            for one in parts:
                content = io.BytesIO()
                with archive.open(one) as file:
                    while piece := file.read(_PIECE):  # never inflates more than it returns
                        left -= len(piece)
                        if left < 0:
                            raise _TooLarge
                        content.write(piece)
                plain.writestr(zipfile.ZipInfo(one.filename), content.getvalue())
        return buffer.getvalue()
