"""What is in a zip archive, such as a model that skops wrote: parts that can be told apart."""

import zipfile
import zlib
from io import BytesIO
from typing import Any

SCHEMA = "schema.json"
"""The part of a file of skops that says what the model is made of."""
ADDRESSES = frozenset({"_stop_words_id"})
"""What scikit-learn keeps that is an address in memory, another in each process."""
_START = b"PK\3\4"
_MOST_BYTES = 1024**3
_OF_THE_FORM = frozenset({"__id__", "__loader__", "file", "is_json"})


def parts(data: bytes) -> dict[str, bytes] | None:
    """Return what a zip archive holds by name; None when it is none, or too large to look into."""
    if not data.startswith(_START):
        return None
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            if sum(one.file_size for one in archive.infolist()) > _MOST_BYTES:
                return None
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return None


def plain(node: Any) -> Any:
    """Return a schema of skops as the object it describes: names and values, no more.

    >>> plain({"__class__": "A", "__id__": 7, "content": {"x": {"content": "1", "__id__": 8}}})
    {'__class__': 'A', 'x': '1'}
    """
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: plain(value) for key, value in node.items() if key not in _OF_THE_FORM}
    content = kept.pop("content", None)
    if isinstance(content, dict):
        return {**kept, **content}
    return kept if content is None else content
