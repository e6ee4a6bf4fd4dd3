"""Bytes to YAML nodes: what libyaml makes of them, by YAML 1.2's core schema, within bounds.

Only `core/yaml_nodes.py` needs this; it gives nodes their meaning. They come from files that
a stranger may have written, so nesting and aliases are bounded and tags make no objects.
"""

import re
from functools import cache
from typing import Any

from mlops_cli.errors import RequestError

_TAG = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, STR = (_TAG + name for name in ("null", "bool", "int", "float", "str"))
MAP, SEQ = _TAG + "map", _TAG + "seq"

_EXACT = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), NULL),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), BOOL),
}
_NUMBER_START = frozenset("-+.0123456789")
_INT_FORM = "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT_FORM = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_MARKERS = (b"<" * 7, b"|" * 7, b"=" * 7, b">" * 7)
_MARKER_LINE = rb"(?m)^(?:<{7}|\|{7}|>{7}) |^={7}\r?$"

MAX_DEPTH = 64
"""Deeper nesting is refused: no settings need it, and it exhausts the parser's stack."""

MAX_VALUES = 1_000_000
"""More values are refused when aliases make them: a small file can name billions."""


def compose(data: bytes, where: str) -> Any:
    """Return the root node of the one document in `data`; an empty one is a null scalar.

    Each node has `id` (scalar, sequence or mapping), `tag`, `value` and `start_mark`, which
    is None only for an empty document. `where` names the file in errors.

    Raises:
        RequestError: the bytes hold a merge-conflict marker, are not UTF-8, or not YAML.
    """
    from yaml import ScalarNode, YAMLError

    _check_text(data, where)
    try:
        node = _parser()(data).get_single_node()
    except YAMLError as error:
        raise _not_yaml(error, data, where) from error
    if node is None:
        return ScalarNode(NULL, "")
    if b"*" in data:
        _check_aliases(node, where)
    return node


@cache
def _parser() -> type[Any]:
    """Return libyaml's parser with the core schema's resolver."""
    from yaml import MappingNode, ScalarNode
    from yaml._yaml import CParser
    from yaml.composer import ComposerError

    class Parser(CParser):
        def __init__(self, stream: bytes) -> None:
            super().__init__(stream)
            self.depth = 0

        def resolve(self, kind: type, value: str, implicit: tuple[bool, bool]) -> str:
            if kind is ScalarNode:
                return _resolve(value) if implicit[0] else STR
            return MAP if kind is MappingNode else SEQ

        def descend_resolver(self, parent: Any, _index: object) -> None:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                mark = parent.start_mark if parent is not None else None
                raise ComposerError(None, None, "nested too deeply", mark)

        def ascend_resolver(self) -> None:
            self.depth -= 1

    return Parser


def _resolve(value: str) -> str:
    """Return the tag of a scalar without quotes. Patterns are compiled only where they decide."""
    tag = _EXACT.get(value)
    if tag:
        return tag
    if value[0] not in _NUMBER_START:
        return STR
    if re.fullmatch(_INT_FORM, value):
        return INT
    return FLOAT if re.fullmatch(_FLOAT_FORM, value) else STR


def _check_text(data: bytes, where: str) -> None:
    seen = any(marker in data for marker in _MARKERS)
    marker = re.search(_MARKER_LINE, data) if seen else None
    if marker:
        line = data.count(b"\n", 0, marker.start()) + 1
        raise RequestError(
            f"{where}:{line}: has a merge-conflict marker",
            hint="keep one side, delete the marker lines, then `git add` the file",
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RequestError(f"{where}:{line}: is not UTF-8 text") from error


def _not_yaml(error: Exception, data: bytes, where: str) -> RequestError:
    """Return libyaml's complaint on one line, with a hint where its words help nobody."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        line = data.count(b"\n", 0, getattr(error, "position", None) or 0) + 1
    else:
        line = mark.line + 1
    at = f"{where}:{line}"
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "bad YAML"
    hint = None
    if "cannot start any token" in problem:
        hint = "indent with spaces, not tabs, and put text with special characters in quotes"
    elif "mapping values are not allowed" in problem:
        hint = "put text that holds ': ' in quotes, or check the indent of this line"
    elif b"${" in b"".join(data.split(b"\n")[line - 1 : line]):
        hint = "inside [] and {}, put text that holds ${...} in quotes"
    return RequestError(f"{at}: is not valid YAML: {problem}", hint=hint)


def _check_aliases(node: Any, where: str) -> None:
    """Refuse a document that aliases make endless or huge."""
    sizes: dict[int, int] = {}
    if _size(node, sizes, where) > MAX_VALUES:
        raise RequestError(f"{where}: its aliases make more than {MAX_VALUES} values")


def _size(node: Any, sizes: dict[int, int], where: str) -> int:
    if node.id == "scalar":
        return 1
    known = sizes.get(id(node))
    if known == 0:
        raise RequestError(f"{where}:{node.start_mark.line + 1}: an alias holds itself")
    if known is None:
        sizes[id(node)] = 0
        parts = node.value if node.id == "sequence" else [n for pair in node.value for n in pair]
        sizes[id(node)] = known = 1 + sum(_size(part, sizes, where) for part in parts)
    return known
