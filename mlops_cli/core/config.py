"""`.mlops.yaml` read into typed settings.

Every key, type and default is stated here, and explained to users in `.mlops.example.yaml`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core import (
    config_serving,
    config_tracking,
    config_values,
    expand,
    parsed,
    step_reader,
    yaml_nodes,
)
from mlops_cli.core.config_serving import MIB, Serving
from mlops_cli.core.config_steps import Step
from mlops_cli.core.config_tracking import Tracking
from mlops_cli.core.config_values import named
from mlops_cli.core.files import inside, read_regular
from mlops_cli.core.layout import STORE
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.step_reader import Written
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.errors import ExternalError

if TYPE_CHECKING:
    from mlops_cli.core.config_models import ModelSettings
    from mlops_cli.core.config_monitor import Monitor
    from mlops_cli.core.config_performance import PerformanceSettings
    from mlops_cli.core.config_sweeps import SweepSettings

_PASSWORD = r"[A-Za-z][A-Za-z0-9+.-]*://[^/@]*:[^/@]*@.*"  # noqa: S105


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
class DriftSettings:
    """When `mlo drift` says that a column has drifted."""

    q: float = 0.015
    """The share of false alarms accepted among the columns reported, in 0..1."""
    effect: float = 0.1
    """The smallest difference that counts, in 0..1."""
    warn: float = 0.05
    """The difference from which a column is mentioned, in 0..1."""
    min_rows: int = 50
    """With fewer live rows there is no verdict."""
    windows_in_a_row: int = 2
    """Over windows of time, in so many one after the other a column has to have drifted."""


@dataclass(frozen=True, slots=True)
class HookSettings:
    """What the git hooks of `mlo hooks install` let through."""

    max_file_bytes: int = 10 * MIB
    """A larger file is not to be committed to git; 0 stands for no limit."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """How what happened is put on record."""

    sign: bool = False
    """Whether entries about models are signed, with the key that git signs commits with."""


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What the project says about one table, or about all tables in a folder."""

    key: tuple[str, ...] = ()
    """The columns that tell its rows apart."""
    schema: str | None = None
    """The file that says what it is to be like."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole of `.mlops.yaml`."""

    params: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, DataSettings] = field(default_factory=dict)
    """By path of a file or folder."""
    steps: Mapping[str, Step] = field(default_factory=dict)
    """As they run: one for each of a `foreach` or `matrix`."""
    written_steps: Mapping[str, Written] = field(default_factory=dict)
    resources: Mapping[str, float] = field(default_factory=dict)
    """How much there is of what steps take; the processors of the machine unless told here."""
    max_steps: int = expand.MAX_STEPS
    """As many steps as one `foreach` or `matrix` may make."""
    models: "Mapping[str, ModelSettings]" = field(default_factory=dict)
    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    serving: Serving = field(default_factory=Serving)
    drift: DriftSettings = field(default_factory=DriftSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    tracking: Tracking = field(default_factory=Tracking)
    sweeps: "Mapping[str, SweepSettings]" = field(default_factory=dict)
    monitor: "Monitor | None" = None
    performance: "PerformanceSettings | None" = None


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
    if _says_nothing(data):
        return Settings()
    known = parsed.document(data, where=path.name, mlo=path.parent / STORE)
    return _settings(known, path.parent)


def read(data: bytes, *, where: str, beside: Path | None = None) -> Settings:
    """Return the settings in `data`; `where` names the file in errors.

    A file that they name is looked for in the folder `beside`; without one, what is in it counts
    as unknown, and is not checked.

    Raises:
        RequestError: as of `load`.
    """
    if _says_nothing(data):
        return Settings()
    return _settings(yaml_nodes.parse(data, where=where), beside)


def _says_nothing(data: bytes) -> bool:
    """Return whether there are only comments, as `init` leaves it; reading YAML takes 30 ms."""
    return all(line.lstrip()[:1] in (b"", b"#") for line in data.splitlines())


def _settings(document: Value, beside: Path | None) -> Settings:
    written = dict(document.items()).get("params")
    file = None if written is None else params_file(written)

    def settings(steps: Mapping[str, Written] = _NO_STEPS, **keys: Any) -> Settings:
        params = None if beside is None and file is not None else keys.get("params", {})
        if file is not None and params is not None:
            steps = {name: _own_params(step, file, params) for name, step in steps.items()}
        expanded = expand.expand(steps, params, max_steps=keys.get("max_steps", expand.MAX_STEPS))
        _check_resources(steps.values(), keys.get("resources", {}))
        if any(one.step.validate for one in steps.values()):
            from mlops_cli.core import config_validation

            config_validation.check(steps, expanded.values(), keys.get("data", {}))
        return Settings(steps=expanded, written_steps=steps, **keys)

    return document.record(settings, {"params": lambda one: _params_anywhere(one, beside), **_KEYS})


def _own_params(one: Written, file: str, params: Mapping[str, Any]) -> Written:
    """Return a step that names what the file of `params:` holds as parameters, which `--set` sets.

    It may be written as of a file of its own: `{params.yaml: [train.depth]}`.
    """
    if file not in one.step.param_files:
        return one
    others = dict(one.step.param_files)
    keys = others.pop(file) or tuple(params)
    names = tuple(dict.fromkeys((*one.step.params, *keys)))
    return replace(one, step=replace(one.step, params=names, param_files=others))


def params_file(value: Value) -> str | None:
    """Return the file that `params: FILE` names; None where the parameters are written out.

    Raises:
        RequestError: it is no path inside the project.
    """
    return (
        None if value.is_mapping or value.is_nothing or value.is_list else config_values.path(value)
    )


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


def _share(value: Value) -> float:
    return value.number(minimum=0, maximum=1)


_DRIFT = {
    "q": _share,
    "effect": _share,
    "warn": _share,
    "min_rows": lambda value: value.integer(minimum=1),
    "windows_in_a_row": lambda value: value.integer(minimum=1),
}

_HOOKS = {"max_file_bytes": lambda value: value.integer(minimum=0)}


def _data(value: Value) -> DataSettings:
    def key(inner: Value) -> tuple[str, ...]:
        columns = config_values.words(inner) if inner.is_list else (inner.word(),)
        if not columns:
            raise inner.fail("names no column", hint="write it as in key: [user, day]")
        return columns

    return value.record(DataSettings, {"key": key, "schema": config_values.path})


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
    return config_values.check_variable(
        value.word(), value, hint="name one that holds the key, as in MLO_KEY"
    )


def _url(value: Value) -> str:
    url = value.text()
    if re.fullmatch(_PASSWORD, url):
        raise value.fail(
            "holds a password, and this file is committed to git",
            hint="take it out of the URL, and give it by the environment",
        )
    return url


def _check_resources(steps: Iterable[Written], totals: Mapping[str, float]) -> None:
    """Refuse a step that takes what there is none of, or more than there is."""
    for one in steps:
        for name, taken in one.step.resources.items():
            if name == "cpus" and name not in totals:
                continue
            where = one.at("resources", name)
            if name not in totals:
                raise where.fail(
                    f"names '{name}', and nothing says how much of it there is",
                    hint=f"write resources: {{{name}: 1}} at the top of the file",
                )
            if taken > totals[name]:
                raise where.fail(f"takes {taken:g}, and there is {totals[name]:g} of it in all")


def _models(value: Value) -> "dict[str, ModelSettings]":
    from mlops_cli.core import config_models  # only where there are some: each costs every command

    return {name: config_models.read(model) for name, model in named(value)}


def _sweeps(value: Value) -> "dict[str, SweepSettings]":
    from mlops_cli.core import config_sweeps

    return {name: config_sweeps.read(one) for name, one in named(value)}


def _monitor(value: Value) -> "Monitor":
    from mlops_cli.core import config_monitor

    return config_monitor.read(value)


def _performance(value: Value) -> "PerformanceSettings":
    from mlops_cli.core import config_performance

    return config_performance.read(value)


_NO_STEPS: Mapping[str, Written] = {}
_KEYS: dict[str, Callable[[Value], Any]] = {
    "data": lambda value: {
        config_values.inside(path, one): _data(one) for path, one in value.items()
    },
    "steps": lambda value: {name: step_reader.read(name, step) for name, step in named(value)},
    "resources": step_reader.resources,
    "max_steps": lambda value: value.integer(minimum=1, maximum=1_000_000),
    "models": _models,
    "remotes": lambda value: {name: _remote(remote) for name, remote in named(value)},
    "serving": config_serving.read,
    "drift": lambda value: value.record(DriftSettings, _DRIFT),
    "performance": _performance,
    "hooks": lambda value: value.record(HookSettings, _HOOKS),
    "audit": lambda value: value.record(AuditSettings, {"sign": Value.boolean}),
    "tracking": config_tracking.read,
    "sweeps": _sweeps,
    "monitor": _monitor,
}
