"""Parameters that steps read from YAML, JSON and TOML files of the project."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_cli.core.files import inside, read_regular
from mlops_cli.core.filling import MISSING, look_up
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.runs.params import flatten


class ParamFiles:
    """Files of parameters, each read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, dict[str, Any]] = {}

    def pick(self, path: str, keys: Sequence[str], *, step: str) -> dict[str, Any]:
        """Return what is under dotted keys of a file, or all of it, as `FILE:KEY`.

        Raises:
            RequestError: the file is not there, is no mapping, or does not have a key.
        """
        held = self._held(path, step)
        if not keys:
            return {f"{path}:{name}": value for name, value in flatten(held).items()}
        picked: dict[str, Any] = {}
        for key in keys:
            value = look_up(held, key)
            if value is MISSING:
                raise _missing(path, key, held, step)
            picked |= {f"{path}:{name}": one for name, one in flatten({key: value}).items()}
        return picked

    def _held(self, path: str, step: str) -> dict[str, Any]:
        if path not in self._read:
            try:
                data = read_regular(inside(self._root, path))
            except FileNotFoundError as error:
                raise RequestError(
                    f"step '{step}' reads parameters from '{path}', which is not there",
                    hint="make it, or correct params",
                ) from error
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise ExternalError(f"cannot read '{path}': {reason}") from error
            self._read[path] = parse(path, data)
        return self._read[path]


def parse(path: str, data: bytes) -> dict[str, Any]:
    """Return the parameters in the bytes of a YAML, JSON or TOML file.

    Raises:
        RequestError: it cannot be read as what its name says, or is no mapping.
    """
    if path.endswith(".toml"):
        held = _toml(path, data)
    elif path.endswith(".json"):
        held = _json(path, data)
    else:
        from mlops_cli.core import yaml_nodes

        held = yaml_nodes.parse(data, where=path).plain()
    if held is None:
        return {}
    if not isinstance(held, dict):
        raise RequestError(f"'{path}' must hold parameters by name")
    return {str(key): _kept(value) for key, value in held.items()}


def _toml(path: str, data: bytes) -> Any:
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except ValueError as error:
        raise RequestError(f"'{path}' is not valid TOML: {error}") from error


def _json(path: str, data: bytes) -> Any:
    import json

    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"'{path}' is not valid JSON: {error}") from error


def _kept(value: Any) -> Any:
    """Return a value as `mlo.lock` and records can hold it: dates and what is no number as text."""
    if isinstance(value, Mapping):
        return {str(key): _kept(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_kept(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _missing(path: str, key: str, held: Mapping[str, Any], step: str) -> RequestError:
    from difflib import get_close_matches

    known = list(flatten(held))
    near = get_close_matches(key, known, n=1)
    listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return RequestError(
        f"step '{step}' needs '{key}' of '{path}', which is not there",
        hint=f"did you mean '{near[0]}'?" if near else f"there are {listed or 'none'}",
    )
