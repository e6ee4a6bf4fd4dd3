"""Bodies that come compressed. They are unpacked up to a limit, so that a bomb costs little."""

import zlib
from collections.abc import Callable

from mlops_cli.registry.values import shown
from mlops_cli.serving.refusal import Refused

ENCODINGS = ("gzip", "deflate", "zstd")
_GZIP = 16 + zlib.MAX_WBITS


def plain(body: bytes, encoding: bytes, limit: int) -> bytes:
    """Return a body without its content encoding.

    Raises:
        Refused: 413 when it would have more than `limit` bytes, 415 for another encoding, 400
            when it is damaged.
    """
    name = encoding.decode("latin-1").strip().lower()
    if name in {"", "identity"}:
        return body
    unpack = _UNPACK.get(name)
    if unpack is None:
        raise Refused(
            415,
            f"the content encoding '{shown(name)}' is not taken: send it as {', '.join(ENCODINGS)}"
            " or plain",
            headers=[(b"accept-encoding", ", ".join(ENCODINGS).encode())],
        )
    made = unpack(body, limit + 1)
    if made is None:
        raise Refused(400, f"the body is not whole in {name}")
    if len(made) > limit:
        raise Refused(
            413,
            f"the body has more than the {limit} bytes that a request may have, once unpacked:"
            " send the rows in several requests",
        )
    return made


def _gzip(body: bytes, most: int) -> bytes | None:
    """Return up to `most` bytes of what was packed, None when it is damaged."""
    return _inflated(body, most, _GZIP)


def _deflate(body: bytes, most: int) -> bytes | None:
    """Return what was packed; some clients leave out the wrapping that the standard says."""
    made = _inflated(body, most, zlib.MAX_WBITS)
    return _inflated(body, most, -zlib.MAX_WBITS) if made is None else made


def _inflated(body: bytes, most: int, bits: int) -> bytes | None:
    unpacker = zlib.decompressobj(bits)
    try:
        made = unpacker.decompress(body, most)
    except zlib.error:
        return None
    whole = unpacker.eof and not unpacker.unused_data
    return made if whole or len(made) >= most else None


def _zstd(body: bytes, most: int) -> bytes | None:
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
    parts: list[bytes] = []
    made = 0
    try:
        for start in range(0, len(body), _STEP):
            parts.append(unpacker.decompress(body[start : start + _STEP]))
            made += len(parts[-1])
            if made >= most:
                return b"".join(parts)
    except (zstandard.ZstdError, EOFError):
        return None
    return b"".join(parts) if unpacker.eof and not unpacker.unused_data else None


_WINDOW = 1 << 23
"""As the standard for HTTP has it, RFC 9659."""
_STEP = 256
"""Bytes of zstd that are unpacked at a time; at most 32,000 times as many come of them."""
_UNPACK: dict[str, Callable[[bytes, int], bytes | None]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
