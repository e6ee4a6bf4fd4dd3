"""What `.mlops.yaml` says of `mlo serve`."""

import re
from typing import Literal

from mlops_cli.core import config_log, config_values
from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.yaml_nodes import Value

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AutoRollback:
    """When a server itself sends a new version back."""

    canary: bool = True
    """Whether a canary, or an arm of an experiment, that is worse loses its requests."""
    promotion: bool = False
    """Whether a version that is worse than the one it replaced is rolled back."""
    min_requests: int = 50
    """With fewer requests to the new version there is no verdict."""
    alpha: float = 0.01
    """The probability that a version as good as the old one is sent back, in 0..1."""
    latency_factor: float = 1.5
    """Calls into the model that take up to so many times as long are good enough."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a certificate and its key, in PEM; without a certificate there is no TLS.

    Paths are from the project's root, absolute, or from `~`.
    """

    cert: str | None = None
    key: str | None = None
    """None when it is in the same file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client may ask."""

    requests_per_second: float | None = None
    """On the average; None for as many as it likes."""
    burst: int | None = None
    """So many at once, after a pause; None for those of one second."""
    by: str = "client"
    """`client`, which is its token or else its address, or `header:NAME`."""


@dataclass(frozen=True, slots=True)
class RequestRules:
    """Whether requests are held against a schema, beside the model's signature."""

    schema: str = "model"
    """A file, or `model` for the one that is declared for the model's training data."""
    on_fail: Literal["ignore", "note", "refuse"] = "ignore"
    """What becomes of a request that fails; `ignore` looks at none."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What `mlo serve` listens on and accepts."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    """Processes that answer."""
    max_rows: int = 10_000
    max_body_bytes: int = 16 * MIB
    tokens_file: str | None = None
    """A file of tokens of which requests must have one; a path as `Tls` has."""
    tls: Tls = field(default_factory=Tls)
    limits: Limits = field(default_factory=Limits)
    metrics: bool = True
    """Whether requests are counted and timed for `/metrics`."""
    by: str | None = None
    """The field of a request, or `header:NAME`, that tells users apart in experiments."""
    auto_rollback: AutoRollback = field(default_factory=AutoRollback)
    validate: RequestRules = field(default_factory=RequestRules)
    log: LogSettings = field(default_factory=LogSettings)


def read(value: Value) -> Serving:
    """Return what the mapping `serving` says."""
    return value.record(
        Serving,
        {
            "host": Value.text,
            "port": lambda one: one.integer(minimum=0, maximum=65535),
            "workers": lambda one: one.integer(minimum=1, maximum=1024),
            "max_rows": lambda one: one.integer(minimum=1),
            "max_body_bytes": lambda one: one.integer(minimum=1),
            "tokens_file": _path,
            "tls": lambda one: one.record(Tls, {"cert": _path, "key": _path}),
            "limits": _limits,
            "metrics": Value.boolean,
            "by": lambda one: None if one.is_nothing else one.text(),
            "auto_rollback": _auto_rollback,
            "validate": _validate,
            "log": config_log.read,
        },
    )


def _validate(value: Value) -> RequestRules:
    """Return how requests are validated; whoever says that they are means that they are refused."""
    found: RequestRules = value.record(
        lambda schema="model", on_fail="refuse": RequestRules(schema, on_fail),
        {
            "schema": lambda one: "model" if one.word() == "model" else config_values.path(one),
            "on_fail": lambda one: one.choice("ignore", "note", "refuse"),
        },
    )
    return found


def _limits(value: Value) -> Limits:
    return value.record(
        Limits,
        {
            "requests_per_second": lambda one: (
                None if one.is_nothing else one.number(minimum=0.001, maximum=1e6)
            ),
            "burst": lambda one: None if one.is_nothing else one.integer(minimum=1),
            "by": _client,
        },
    )


def _client(value: Value) -> str:
    """Return what tells clients apart: `client`, or `header:` and the name of a header."""
    said = value.text()
    if said == "client" or re.fullmatch(r"header:[A-Za-z0-9!#$%&'*+.^_`|~-]+", said):
        return said
    raise value.fail(f"is '{said[:80]}', must be client or header:NAME")


def _path(value: Value) -> str | None:
    return None if value.is_nothing else value.text()


def _auto_rollback(value: Value) -> AutoRollback:
    return value.record(
        AutoRollback,
        {
            "canary": Value.boolean,
            "promotion": Value.boolean,
            "min_requests": lambda one: one.integer(minimum=10),
            "alpha": lambda one: one.number(minimum=1e-9, maximum=0.5),
            "latency_factor": lambda one: one.number(minimum=1),
        },
    )
