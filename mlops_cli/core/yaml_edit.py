"""Changing values in a YAML text, and nothing else in it: comments and layout stay."""

import json
from collections.abc import Mapping
from typing import Any

from mlops_cli.core import yaml_text
from mlops_cli.errors import MloError


def replaced(data: bytes, values: Mapping[tuple[str, ...], Any], *, where: str) -> bytes:
    r"""Return the text with the values at some paths replaced; a path that is not there is let be.

    Raises:
        RequestError: it is not YAML, or it is none any more then.

    >>> replaced(b"a:\n  b: 1  # why\n", {("a", "b"): [2]}, where="page")
    b'a:\n  b: [2]  # why\n'
    """
    text = data.decode("utf-8")
    starts = _line_starts(text)
    root = yaml_text.compose(data, where)
    edits: list[tuple[int, int, str]] = []
    for path, value in values.items():
        node = _find(root, path)
        if node is None:
            continue
        start, end = (starts[mark.line] + mark.column for mark in (node.start_mark, node.end_mark))
        old = text[start:end]
        edits.append((start, start + len(old.rstrip()), json.dumps(value, ensure_ascii=False)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    edited = text.encode()
    yaml_text.compose(edited, where)
    return edited


def is_editable(data: bytes) -> bool:
    """Return whether a text can be read as YAML at all."""
    try:
        yaml_text.compose(data, "")
    except MloError:
        return False
    return True


def _find(node: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if node.id != "mapping":
            return None
        node = next((value for name, value in node.value if name.value == key), None)
        if node is None:
            return None
    return node


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts
