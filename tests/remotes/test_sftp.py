"""Whatever a server sends, there is an answer or one clear error."""

import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.errors import ExternalError
from mlops_cli.remotes.sftp import READ, Sftp, SftpError

ASKS: list[Callable[[Sftp], object]] = [
    lambda session: session.open("x", READ),
    lambda session: session.stat("x"),
    lambda session: list(session.list("x")),
    lambda session: session.read(b"handle", 0, 10),
    lambda session: session.read(b"handle", 0, None),
    lambda session: session.write(b"handle", [b"x" * 100]),
    lambda session: session.rename("x", "y"),
]


class Recorded:
    """A server whose answers are settled beforehand."""

    def __init__(self, *packets: bytes) -> None:
        self._data = b"".join(struct.pack(">I", len(packet)) + packet for packet in packets)

    def send(self, data: bytes) -> None:
        pass

    def receive(self, size: int) -> bytes:
        taken, self._data = self._data[:size], self._data[size:]
        if len(taken) < size:
            raise ExternalError("the connection was lost")
        return taken


VERSION = struct.pack(">BI", 2, 3)
packets = st.builds(
    lambda kind, number, rest: struct.pack(">BI", kind, number) + rest,
    st.sampled_from([101, 102, 103, 104, 105, 201]),
    st.integers(1, 5),
    st.binary(max_size=40) | st.builds(lambda n, rest: struct.pack(">I", n) + rest,
                                       st.integers(0, 3), st.binary(max_size=40)),
)  # fmt: skip


@pytest.mark.parametrize("ask", ASKS)
@given(answers=st.lists(packets | st.binary(min_size=1, max_size=30), max_size=6))
def test_any_answer_is_taken_or_refused(
    ask: Callable[[Sftp], object], answers: list[bytes]
) -> None:
    with suppress(SftpError, ExternalError):
        ask(Sftp(Recorded(VERSION, *answers)))


def data(number: int, content: bytes) -> bytes:
    return struct.pack(">BII", 103, number, len(content)) + content


def test_answers_out_of_order_and_short_ones_are_put_together() -> None:
    end = struct.pack(">BII", 101, 5, 1)
    answers = [data(2, b"cd"), data(1, b"a"), data(3, b"b"), end]
    session = Sftp(Recorded(VERSION, *answers))
    session._read_bytes = 2
    assert session.read(b"handle", 0, 4) == b"abcd"


def test_more_than_was_asked_for_is_refused() -> None:
    with pytest.raises(ExternalError, match="not SFTP"):
        Sftp(Recorded(VERSION, data(1, b"x" * 11))).read(b"handle", 0, 10)


def test_answers_to_nothing_are_not_kept_for_ever() -> None:
    flood = [data(number, b"x") for number in range(100, 1000)]
    with pytest.raises(ExternalError, match="not SFTP"):
        Sftp(Recorded(VERSION, *flood)).stat("x")


def test_no_answer_is_left_over_once_a_file_is_read() -> None:
    end = struct.pack(">BI", 101, 4) + struct.pack(">I", 1)
    late = [struct.pack(">BII", 101, number, 1) for number in (2, 3)]
    session = Sftp(Recorded(VERSION, data(1, b"abc"), *late, end, struct.pack(">BII", 101, 5, 1)))
    assert session.read(b"handle", 0, None) == b"abc"
    assert session._answers == {}
