"""Settings that were parsed before: a YAML parser takes longer to load than they take to read.

What was parsed is kept in `.mlo/parsed`, a cache; `docs/design/format.md` specifies it.
"""

from pathlib import Path
from typing import Any

from blake3 import blake3

from mlops_cli import __version__
from mlops_cli.core.files import write_whole
from mlops_cli.core.yaml_nodes import Value, parse
from mlops_cli.errors import ExternalError

FILE = "parsed"
_MAX_BYTES = 1024 * 1024
_KINDS = {"s": "scalar", "q": "sequence", "m": "mapping"}


class _Mark:
    """Where a node begins: lines are counted from 0."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


class _Node:
    """What `Value` needs of a node of YAML."""

    __slots__ = ("id", "start_mark", "style", "tag", "value")

    def __init__(self, kind: str, tag: str, line: int, style: str | None, value: Any) -> None:
        self.id = kind
        self.tag = tag
        self.start_mark = _Mark(line)
        self.style = style
        self.value = value


def document(data: bytes, *, where: str, mlo: Path) -> Value:
    """Return the document in `data`, as `yaml_nodes.parse` does; `mlo` is the project's `.mlo/`.

    Raises:
        RequestError: as of `parse`.
    """
    key = blake3(__version__.encode() + b"\0" + data).hexdigest()
    node = _kept(mlo / FILE, key)
    if node is not None:
        return Value(node, where)
    found = parse(data, where=where)
    if len(data) <= _MAX_BYTES and b"*" not in data:  # aliases make one node many
        _keep(mlo, key, found.node)
    return found


def _kept(file: Path, key: str) -> _Node | None:
    import json

    try:
        held = json.loads(file.read_bytes())
        return _node(held[1]) if held[0] == key else None
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _keep(mlo: Path, key: str, node: Any) -> None:
    import json

    if not mlo.is_dir():
        return
    try:
        text = json.dumps([key, _plain(node)], ensure_ascii=False, separators=(",", ":"))
        write_whole(mlo / FILE, text.encode(), durable=False)
    except (ExternalError, UnicodeEncodeError):
        return


def _plain(node: Any) -> list[Any]:
    value = node.value
    if node.id == "sequence":
        value = [_plain(one) for one in value]
    elif node.id == "mapping":
        value = [[_plain(key), _plain(one)] for key, one in value]
    kind = next(short for short, name in _KINDS.items() if name == node.id)
    line = 0 if node.start_mark is None else node.start_mark.line
    return [kind, node.tag, line, getattr(node, "style", None), value]


def _node(held: list[Any]) -> _Node:
    kind, tag, line, style, value = held
    if kind == "q":
        value = [_node(one) for one in value]
    elif kind == "m":
        value = [(_node(key), _node(one)) for key, one in value]
    return _Node(_KINDS[kind], tag, line, style, value)
