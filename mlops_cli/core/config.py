"""`.mlops.yaml` read into typed settings.

Every key, type and default is stated here, and explained to users in `.mlops.example.yaml`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_cli.core import yaml_nodes
from mlops_cli.core.config_steps import Out, Step
from mlops_cli.core.files import inside, read_regular
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX, SETTINGS
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.errors import ExternalError

_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_PASSWORD = r"[A-Za-z][A-Za-z0-9+.-]*://[^/@]*:[^/@]*@.*"  # noqa: S105
_RESERVED = (".git", ".mlo")
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that a version must pass before a stage accepts it. Bounds are allowed values."""

    metric: str
    min: float | None = None
    max: float | None = None
    not_worse_than: str | None = None
    """A stage, whose version's value of the metric is the bound."""
    tolerance: float = 0.0
    """How much worse than that version is still accepted, in the metric's unit."""
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a version may stand, and what it takes to get there."""

    requires: str | None = None
    """A stage that the version must have been in before."""
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the project says about one registered model."""

    path: str | None = None
    """The pipeline output that is the model."""
    data: str | None = None
    """The training table among the run's inputs; None: lineage finds it."""
    target: str | None = None
    """The column that the model predicts."""
    stages: Mapping[str, Stage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Encryption:
    """Where the key of an encrypted remote is: one of the two, never the key itself."""

    key_file: str | None = None
    """A path from the project's root, absolute, or from `~`."""
    key_env: str | None = None
    """A variable of the environment."""


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """One place to exchange objects with."""

    url: str
    encryption: Encryption | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """What `mlo serve` listens on and accepts."""

    host: str = "127.0.0.1"
    port: int = 8000
    max_rows: int = 10_000
    max_body_bytes: int = 16 * MIB


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """When `mlo drift` says that a column has drifted."""

    q: float = 0.05
    """The share of false alarms accepted among the columns reported, in 0..1."""
    effect: float = 0.1
    """The smallest difference that counts, in 0..1."""
    warn: float = 0.05
    """The difference from which a column is mentioned, in 0..1."""
    min_rows: int = 50
    """With fewer live rows there is no verdict."""


@dataclass(frozen=True, slots=True)
class HookSettings:
    """What the git hooks of `mlo hooks install` let through."""

    max_file_bytes: int = 10 * MIB
    """A larger file is not to be committed to git; 0 stands for no limit."""


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What the project says about one table, or about all tables in a folder."""

    key: tuple[str, ...] = ()
    """The columns that tell its rows apart."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole of `.mlops.yaml`."""

    params: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, DataSettings] = field(default_factory=dict)
    """By path of a file or folder."""
    steps: Mapping[str, Step] = field(default_factory=dict)
    models: Mapping[str, ModelSettings] = field(default_factory=dict)
    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    serving: Serving = field(default_factory=Serving)
    drift: DriftSettings = field(default_factory=DriftSettings)
    hooks: HookSettings = field(default_factory=HookSettings)


def load(path: Path) -> Settings:
    """Return the settings in the file at `path`; all defaults when there is no file.

    Raises:
        RequestError: a mistake in the file; the message names file, line and key.
        ExternalError: the file cannot be read.
    """
    try:
        data = read_regular(path)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{path}': {reason}") from error
    return read(data, where=path.name, beside=path.parent)


def read(data: bytes, *, where: str, beside: Path | None = None) -> Settings:
    """Return the settings in `data`; `where` names the file in errors.

    A file that they name is looked for in the folder `beside`; without one, what is in it counts
    as unknown, and is not checked.

    Raises:
        RequestError: as of `load`.
    """
    if all(line.lstrip()[:1] in (b"", b"#") for line in data.splitlines()):
        return Settings()  # as `init` leaves it; reading YAML takes 30 ms
    document = yaml_nodes.parse(data, where=where)
    written = dict(document.items()).get("params")
    elsewhere = written is not None and params_file(written) is not None
    settings = document.record(
        Settings,
        {
            "params": lambda value: _params_anywhere(value, beside),
            "data": lambda value: {_inside(path, one): _data(one) for path, one in value.items()},
            "steps": lambda value: {name: _step(name, step) for name, step in _named(value)},
            "models": lambda value: {name: _model(model) for name, model in _named(value)},
            "remotes": lambda value: {name: _remote(remote) for name, remote in _named(value)},
            "serving": lambda value: value.record(Serving, _SERVING),
            "drift": lambda value: value.record(DriftSettings, _DRIFT),
            "hooks": lambda value: value.record(HookSettings, _HOOKS),
        },
    )
    steps = dict(document.items()).get("steps")
    if steps is not None:
        _check_steps(steps, None if elsewhere and beside is None else settings.params)
    return settings


def params_file(value: Value) -> str | None:
    """Return the file that `params: FILE` names; None where the parameters are written out.

    Raises:
        RequestError: it is no path inside the project.
    """
    return None if value.is_mapping or value.is_nothing or value.is_list else _path(value)


def lookup(params: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key.

    Raises:
        KeyError: a part of the key is not there.

    >>> lookup({"train": {"depth": 5}}, "train.depth")
    5
    """
    here: Any = params
    for part in key.split("."):
        if not isinstance(here, Mapping):
            raise KeyError(key)
        here = here[part]
    return here


def _named(value: Value) -> Iterable[tuple[str, Value]]:
    for name, inner in value.items():
        if not re.fullmatch(_NAME, name):
            raise inner.fail(
                "is not a name that can be used", hint="use letters, digits, '_', '-' and '.'"
            )
        yield name, inner


def _params_anywhere(value: Value, beside: Path | None) -> dict[str, Any]:
    """Return the parameters that are written out, or are in the file that is named."""
    file = params_file(value)
    if file is None:
        return _params(value)
    if beside is None:
        return {}
    try:
        data = read_regular(inside(beside, file))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise value.fail(f"is '{file}', which cannot be read: {reason}") from error
    return _params(yaml_nodes.parse(data, where=file))


def _params(value: Value) -> dict[str, Any]:
    params = {} if value.is_nothing else value.plain()
    if not isinstance(params, dict):
        raise value.fail(
            "must be a mapping", hint="write params as name: value, or name a file of them"
        )
    _check_keys(value)
    return params


def _check_keys(value: Value) -> None:
    for key, inner in value.items():
        if not key or "." in key:
            raise inner.fail("has a '.' or nothing as its key", hint="nest mappings instead")
        if inner.is_mapping:
            _check_keys(inner)


def _step(name: str, value: Value) -> Step:
    return value.record(
        lambda **keys: Step(name, **keys),
        {"cmd": _cmd, "deps": _paths, "params": _words, "outs": _written, "metrics": _written},
        required=("cmd",),
    )


def _cmd(value: Value) -> str | tuple[str, ...]:
    if not value.is_list:
        return value.text()
    words = tuple(word.word() for word in value.each())
    if not words:
        raise value.fail("must not be empty")
    return words


def _model(value: Value) -> ModelSettings:
    return value.record(
        ModelSettings,
        {"path": _path, "data": _path, "target": Value.word, "stages": _stages},
    )


def _stages(value: Value) -> dict[str, Stage]:
    found = dict(_named(value))
    stages = {name: _stage(stage, tuple(found)) for name, stage in found.items()}
    for name, stage in stages.items():
        before, seen = stage.requires, {name}
        while before is not None:
            if before in seen:
                raise found[name].fail("requires itself, by way of other stages")
            seen.add(before)
            before = stages[before].requires
    return stages


def _stage(value: Value, names: tuple[str, ...]) -> Stage:
    def stage(inner: Value) -> str:
        return inner.choice(*names)

    def gates(inner: Value) -> tuple[Gate, ...]:
        return tuple(_gate(gate, stage) for gate in inner.each())

    return value.record(Stage, {"requires": stage, "gates": gates})


def _gate(value: Value, stage: Any) -> Gate:
    gate = value.record(
        Gate,
        {
            "metric": Value.text,
            "min": Value.number,
            "max": Value.number,
            "not_worse_than": stage,
            "tolerance": lambda inner: inner.number(minimum=0),
            "higher_is_better": Value.boolean,
        },
        required=("metric",),
    )
    if gate.min is None and gate.max is None and gate.not_worse_than is None:
        raise value.fail("asks for nothing", hint="give it min, max or not_worse_than")
    if gate.min is not None and gate.max is not None and gate.min > gate.max:
        raise value.fail(f"can never pass: min {gate.min} is above max {gate.max}")
    return gate


_SERVING = {
    "host": Value.text,
    "port": lambda value: value.integer(minimum=0, maximum=65535),
    "max_rows": lambda value: value.integer(minimum=1),
    "max_body_bytes": lambda value: value.integer(minimum=1),
}


def _share(value: Value) -> float:
    return value.number(minimum=0, maximum=1)


_DRIFT = {
    "q": _share,
    "effect": _share,
    "warn": _share,
    "min_rows": lambda value: value.integer(minimum=1),
}

_HOOKS = {"max_file_bytes": lambda value: value.integer(minimum=0)}


def _words(value: Value) -> tuple[str, ...]:
    return tuple(word.word() for word in value.each())


def _paths(value: Value) -> tuple[str, ...]:
    paths: list[str] = []
    for inner in value.each():
        path = _path(inner)
        if path in paths:
            raise inner.fail(f"names '{path}' again", hint="delete this line")
        paths.append(path)
    return tuple(paths)


def _data(value: Value) -> DataSettings:
    def key(inner: Value) -> tuple[str, ...]:
        columns = _words(inner) if inner.is_list else (inner.word(),)
        if not columns:
            raise inner.fail("names no column", hint="write it as in key: [user, day]")
        return columns

    return value.record(DataSettings, {"key": key})


def _path(value: Value) -> str:
    """Return a path in its one form: POSIX, relative, no `.`, `..` or trailing slash."""
    return _inside(value.word(), value)


def _inside(written: str, value: Value) -> str:
    """Return `written` as a path in its one form; `value` is where a mistake in it is told."""
    parts = [part for part in written.split("/") if part not in ("", ".")]
    if written.startswith("/") or ".." in parts or not parts or "\0" in written:
        raise value.fail(
            f"is '{written[:80]}', which is not a path inside the project",
            hint="write it relative to the project, as in data/raw.csv",
        )
    reserved = next((part.lower() for part in parts if part.lower() in _RESERVED), None)
    if reserved is not None:
        raise value.fail(f"is '{written[:80]}', which belongs to {reserved.removeprefix('.')}")
    return "/".join(parts)


def _written(value: Value) -> tuple[Out, ...]:
    """Return paths that a step writes: none that mlo or git writes."""
    found = _paths(value)
    for path in found:
        name = path.rpartition("/")[2]
        if path in (SETTINGS, LOCKFILE) or name == ".gitignore" or name.endswith(POINTER_SUFFIX):
            whose = "git" if name == ".gitignore" else "mlo"
            raise value.fail(f"has '{path}', which {whose} keeps", hint="write another file")
    return tuple(map(Out, found))


def _remote(value: Value) -> RemoteSettings:
    """Return a remote, which may be written as just its URL."""
    if not value.is_mapping:
        return RemoteSettings(_url(value))
    keys = {"url": _url, "encryption": _encryption}
    return value.record(RemoteSettings, keys, required=("url",))


def _encryption(value: Value) -> Encryption:
    found = value.record(Encryption, {"key_file": Value.text, "key_env": _variable})
    if (found.key_file is None) == (found.key_env is None):
        raise value.fail("must say where the key is", hint="give it key_file or key_env")
    return found


def _variable(value: Value) -> str:
    name = value.word()
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise value.fail(
            "is not the name of a variable", hint="name one that holds the key, as in MLO_KEY"
        )
    return name


def _url(value: Value) -> str:
    url = value.text()
    if re.fullmatch(_PASSWORD, url):
        raise value.fail(
            "holds a password, and this file is committed to git",
            hint="take it out of the URL, and give it by the environment",
        )
    return url


def _check_steps(steps: Value, params: Mapping[str, Any] | None) -> None:
    """Refuse a parameter that is not in `params`, if known, and an output that two steps write."""
    makers: dict[str, str] = {}
    for name, value in steps.items():
        fields = dict(value.items())
        if "params" in fields and params is not None:
            for key in fields["params"].each():
                _check_param(key, params)
        for field_name in ("outs", "metrics"):
            for out in fields[field_name].each() if field_name in fields else ():
                _check_maker(out, _path(out), name, makers)


def _check_param(value: Value, params: Mapping[str, Any]) -> None:
    key = value.word()
    try:
        lookup(params, key)
    except KeyError as error:
        hint = yaml_nodes.suggest(key, _dotted(params)) if params else "add it under params:"
        raise value.fail(f"names '{key[:80]}', which is not in params", hint=hint) from error


def _dotted(params: Mapping[str, Any], above: str = "") -> Iterable[str]:
    for key, value in params.items():
        yield above + key
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{above}{key}.")


def _check_maker(value: Value, path: str, step: str, makers: dict[str, str]) -> None:
    parts = path.split("/")
    folders = {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}
    for other, maker in makers.items():
        if other in folders or other.startswith(path + "/"):
            raise value.fail(f"is '{path}', but step '{maker}' writes '{other}'")
    makers[path] = step
