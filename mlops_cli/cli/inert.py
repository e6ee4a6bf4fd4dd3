"""What names and messages may do to a terminal: be read, and nothing else."""

import re

_DRIVES = re.compile("\033(?!\\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\x80-\x9f]")


def inert(text: str) -> str:
    r"""Return `text` with what would drive a terminal spelled out; line ends and colours stay.

    >>> inert("data/\033]0;owned\007.csv\r")
    'data/\\x1b]0;owned\\x07.csv\\x0d'
    """
    if text.isprintable():
        return text
    return _DRIVES.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
