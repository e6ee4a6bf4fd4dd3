"""Each setting with where it comes from: a line of `.mlops.yaml`, or mlo's default."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from mlops_cli.core import config, yaml_nodes
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.step_reader import Written
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.errors import RequestError

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value in force."""

    key: str
    value: Any
    origin: str
    """`.mlops.yaml:LINE`, or `default`."""


def settings(path: Path) -> list[Setting]:
    """Return every setting in force for the file at `path`, which need not be there.

    Raises:
        RequestError: the file has a mistake.
    """
    loaded = config.load(path)
    lines: dict[str, str] = {}
    if path.exists():
        document = yaml_nodes.parse(path.read_bytes(), where=path.name)
        lines = {key: f"{path.name}:{line}" for key, line in _lines(document, "")}
        lines |= _lines_of_params(document, path.parent)
    return [Setting(key, value, lines.get(key, DEFAULT)) for key, value in _leaves(loaded, "")]


def choose(found: list[Setting], key: str) -> list[Setting]:
    """Return the setting `key`, or all below it.

    Raises:
        RequestError: there is none.
    """
    chosen = [one for one in found if one.key == key or one.key.startswith((f"{key}.", f"{key}["))]
    if not chosen:
        near = yaml_nodes.suggest(key, [one.key for one in found])
        hint = near if near.endswith("?") else "mlo config, which lists them all"
        raise RequestError(f"there is no setting '{key}'", hint=hint)
    return chosen


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Yield what is set; a step's name is its key, and what is empty is not set."""
    if isinstance(value, config.RemoteSettings) and value.encryption is None:
        yield key, value.url
    elif is_dataclass(value) or isinstance(value, Mapping):
        for name, inner in _items(value):
            yield from _leaves(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{key}[{place}]")
    elif value is not None and value != () and value != []:
        yield key, value


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a mapping or a record holds; steps as they are written, not as they run."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, config.Settings):
        said = replace(value, steps={}, written_steps={})
        yield from ((field.name, getattr(said, field.name)) for field in fields(said))
        yield "steps", value.written_steps
    elif isinstance(value, Written):
        yield from ((key, _plain(inner)) for key, inner in value.value.items())
    elif hasattr(value, "written"):
        yield from value.written().items()
    else:
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))


def _plain(value: Value) -> Any:
    """Return what is written; a word with two readings in YAML is taken as text."""
    if value.is_mapping:
        return {key: _plain(inner) for key, inner in value.items()}
    if value.is_list:
        return [_plain(inner) for inner in value.each()]
    try:
        return value.plain()
    except RequestError:
        return value.word()


def _lines_of_params(document: Value, beside: Path) -> dict[str, str]:
    """Return where the parameters stand that are in a file of their own."""
    written = dict(document.items()).get("params")
    file = None if written is None else config.params_file(written)
    if file is None:
        return {}
    params = yaml_nodes.parse((beside / file).read_bytes(), where=file)
    return {key: f"{file}:{line}" for key, line in _lines(params, "params")}


def _lines(value: Value, key: str) -> Iterator[tuple[str, int]]:
    if key:
        yield key, value.line
    if value.is_mapping:
        for name, inner in value.items():
            yield from _lines(inner, f"{key}.{name}" if key else name)
    elif value.is_list:
        for place, inner in enumerate(value.each()):
            yield from _lines(inner, f"{key}[{place}]")
