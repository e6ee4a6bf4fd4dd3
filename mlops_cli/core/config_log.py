"""What `serving.log` says of the prediction log."""

import re

from mlops_cli.core import config_values
from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value

_AGE = re.compile(r"(\d{1,6})\s*([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What of the predictions is kept, and for how long."""

    sample: float = 1.0
    """The share of requests that are kept, in 0..1."""
    redact: tuple[str, ...] = ()
    """Columns that are not written."""
    hash: tuple[str, ...] = ()
    """Columns of which only a salted hash is written."""
    retain: int | None = None
    """What is older than so many seconds goes; None keeps all."""
    max_bytes: int | None = None
    """With more than that of one model, the oldest go."""
    fsync_s: float = 1.0
    """How often what was written is made durable."""


def read(value: Value) -> LogSettings:
    """Return the settings under `serving.log`."""
    return value.record(LogSettings, _KEYS)


def _age(value: Value) -> int | None:
    if value.is_nothing:
        return None
    text = value.text()
    found = _AGE.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise value.fail(f"is '{text}', which is no age", hint="write it as 12h, 30d or 8w")
    return int(found[1]) * _SECONDS[found[2]]


def _columns(value: Value) -> tuple[str, ...]:
    return config_values.words(value) if value.is_list else (value.word(),)


_KEYS = {
    "sample": lambda value: value.number(minimum=0, maximum=1),
    "redact": _columns,
    "hash": _columns,
    "retain": _age,
    "max_bytes": lambda value: None if value.is_nothing else value.integer(minimum=1 << 20),
    "fsync_s": lambda value: value.number(minimum=0, maximum=3600),
}
