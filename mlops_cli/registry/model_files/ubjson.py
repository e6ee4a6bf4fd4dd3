"""Universal Binary JSON, as XGBoost writes it: read in Python, where no length leads astray.

Source:
    https://ubjson.org, draft 12.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_NUMBERS = {
    b"i": ">i1",
    b"U": ">u1",
    b"I": ">i2",
    b"l": ">i4",
    b"L": ">i8",
    b"d": ">f4",
    b"D": ">f8",
}
_WHOLE = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
_FLOAT = {b"d": ">f", b"D": ">d"}
_PLAIN = {b"Z": None, b"T": True, b"F": False}
_DEEPEST = 100


def decode(data: bytes) -> Any:
    """Return the value that `data` begins with.

    Raises:
        ValueError: it is no UBJSON, or ends too early.
    """
    return _Reader(data).value(0)


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int = 0

    def value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("values lie too deep in each other")
        mark = self._take(1)
        if mark == b"{":
            return self._object(depth)
        if mark == b"[":
            return self._array(depth)
        if mark == b"S":
            return self._text()
        if mark in _PLAIN:
            return _PLAIN[mark]
        form = _WHOLE.get(mark) or _FLOAT.get(mark)
        if form is None:
            raise ValueError(f"a value of the kind {mark!r}")
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.at:
            raise ValueError("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def _peek(self) -> bytes:
        return self.data[self.at : self.at + 1]

    def _length(self) -> int:
        form = _WHOLE.get(self._take(1))
        if form is None:
            raise ValueError("a length that is no number")
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _text(self) -> str:
        return self._take(self._length()).decode("utf-8")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._peek() != b"}":
            name = self._text()
            found[name] = self.value(depth + 1)
        self.at += 1
        return found

    def _array(self, depth: int) -> list[Any]:
        if self._peek() == b"$":
            return self._numbers()
        one: Callable[[], Any] = lambda: self.value(depth + 1)  # noqa: E731
        if self._peek() == b"#":
            self.at += 1
            return [one() for _ in range(self._length())]
        found = []
        while self._peek() != b"]":
            found.append(one())
        self.at += 1
        return found

    def _numbers(self) -> list[Any]:
        """Return an array of numbers that all have one type."""
        import numpy as np

        self.at += 1
        kind = _NUMBERS.get(self._take(1))
        if kind is None or self._take(1) != b"#":
            raise ValueError("an array of no known type")
        size = np.dtype(kind).itemsize
        found: list[Any] = np.frombuffer(self._take(self._length() * size), kind).tolist()
        return found
