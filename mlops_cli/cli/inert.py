"""What names, cells and messages may do to a terminal: be read, and nothing else."""

import os
import re

_OURS = str(int.from_bytes(os.urandom(4), "big") | 1 << 31)
"""Stands in the colours that mlo itself puts into a text, and in none that came from outside."""
_TURNS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Letters of no width that turn those after them round, or end a line."""
_DRIVES = re.compile(f"\033\\[([0-9;]*);{_OURS}m|[\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNS}]")
_IN_JSON = re.compile(f"[\x7f-\x9f{_TURNS}]")


def coloured(text: str, codes: str) -> str:
    """Return `text` in the colours of these codes of a terminal, for `inert` to let through."""
    return f"\033[{codes};{_OURS}m{text}\033[0;{_OURS}m"


def inert(text: str) -> str:
    r"""Return `text` with what would drive a terminal spelled out; line ends stay, and our colours.

    >>> inert("data/\033]0;owned\007.csv\r"), inert("\033[31mred\u202e")
    ('data/\\x1b]0;owned\\x07.csv\\x0d', '\\x1b[31mred\\u202e')
    """
    if text.isprintable():
        return text
    return _DRIVES.sub(_told, text)


def inert_json(text: str) -> str:
    r"""Return JSON that says the same, with what would drive a terminal as `\uXXXX`."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _told(found: re.Match[str]) -> str:
    if found[1] is not None:
        return f"\033[{found[1]}m"
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
