"""Packed bodies: taken up to a limit, and bombs cost next to nothing."""

import gzip
import time
import zlib

import pytest
import zstandard

from mlops_cli.serving.guard.encoding import plain
from mlops_cli.serving.refusal import Refused

BODY = b'{"rows": [{"size": 7.5}]}' * 100
LIMIT = 1_000_000
PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_body_is_the_plain_one(encoding: str) -> None:
    packed = PACKED[encoding](BODY)
    assert plain(packed, encoding.upper().encode(), LIMIT) == BODY
    assert plain(packed, encoding.encode(), len(BODY)) == BODY
    assert plain(PACKED[encoding](b""), encoding.encode(), LIMIT) == b""


def test_deflate_without_its_wrapping_is_taken_as_some_clients_send_it() -> None:
    packer = zlib.compressobj(wbits=-15)
    assert plain(packer.compress(BODY) + packer.flush(), b"deflate", LIMIT) == BODY


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_is_refused_before_it_goes_off(encoding: str) -> None:
    bomb = PACKED[encoding](bytes(200_000_000))
    started = time.process_time()
    with pytest.raises(Refused) as refused:
        plain(bomb, encoding.encode(), LIMIT)
    assert refused.value.status == 413
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("damage", ["cut", "none", "other", "more"])
def test_a_damaged_body_is_refused(encoding: str, damage: str) -> None:
    packed = PACKED[encoding](BODY)
    body = {"cut": packed[:-3], "none": b"", "other": b"x" * 99, "more": packed * 2}[damage]
    with pytest.raises(Refused) as refused:
        plain(body, encoding.encode(), LIMIT)
    assert (refused.value.status, encoding in refused.value.message) == (400, True)


@pytest.mark.parametrize("encoding", [b"br", b"gzip, gzip", b"\xff", b"compress"])
def test_another_encoding_is_refused_with_those_that_are_taken(encoding: bytes) -> None:
    with pytest.raises(Refused) as refused:
        plain(BODY, encoding, LIMIT)
    assert refused.value.status == 415
    assert refused.value.headers == [(b"accept-encoding", b"gzip, deflate, zstd")]
    assert plain(BODY, b"identity", LIMIT) == BODY
