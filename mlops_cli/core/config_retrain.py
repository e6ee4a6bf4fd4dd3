"""What `.mlops.yaml` says of `mlo retrain`: where fresh rows come from, and how far it may go."""

from typing import Any, Literal

from mlops_cli.core import config_values
from mlops_cli.core.config_values import share, span
from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value

Window = Literal["change", "all"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where fresh rows with their truth come from: one of the three."""

    predictions: bool = False
    """The prediction log, as far as feedback has told what turned out to be true."""
    file: str | None = None
    """A table, `PATH` or `PATH@REV`."""
    command: str | tuple[str, ...] | None = None
    """What prints a table as CSV: a query, a script."""
    timeout_s: float = 600.0
    """How long a command may take."""


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """How a new version is tried before it takes all requests."""

    share: float = 0.1
    """Of the requests, in 0..1."""
    for_s: float = 3600.0
    """How long."""
    min_requests: int = 100
    """With fewer answers by then it is not promoted."""


@dataclass(frozen=True, slots=True)
class Retrain:
    """How one model is retrained."""

    into: str
    """The table that the pipeline reads, and that fresh rows take the place of."""
    source: Source = Source(predictions=True)
    target: str | None = None
    """The column that holds the truth; None: that of the model."""
    steps: tuple[str, ...] = ()
    """What runs of the pipeline; empty: all of it."""
    schema: str | None = None
    """The file that fresh rows are held against; None: the schema of `into`, if it has one."""
    window: Window | int = "change"
    """Which rows are trained on: since the errors rose, all there are, or so many of the newest."""
    min_rows: int = 300
    """With fewer fresh rows there is no retraining."""
    max_rows: int = 1_000_000
    """So many of the newest rows are looked at."""
    held_out: float = 0.2
    """The newest rows that both versions are compared on: a share of all, in 0..1."""
    held_out_rows: int = 5000
    """At most so many."""
    metric: str | None = None
    """What they are compared by; None: accuracy, or rmse."""
    confidence: float = 0.8
    """How sure it has to be that the new version is better, in 0..1."""
    rise: float = 0.02
    """By how much the share of wrong answers has to rise before errors count as risen."""
    again: float = 4.0
    """Retrained again when there are so many times as many rows since the change; 0: not."""
    earlier: bool = True
    """Whether a version from before comes back when it is better on the newest rows."""
    if_needed: bool = False
    """Whether the monitor looks by itself, at each round, if it is needed."""
    stage: str = "production"
    canary: CanarySettings | None = None
    max_per_day: int = 4
    cooldown_s: float = 3600.0
    """So long after one the next may begin."""
    trust: bool = False
    """Whether code in the files of new versions is vouched for."""


def read(value: Value) -> Retrain:
    """Return what a mapping says of retraining one model."""
    found: Retrain = value.record(
        _retrain,
        {
            "into": config_values.path,
            "source": _source,
            "target": Value.word,
            "steps": lambda one: config_values.words(one) if one.is_list else (one.word(),),
            "schema": config_values.path,
            "window": _window,
            "min_rows": lambda one: one.integer(minimum=30),
            "max_rows": lambda one: one.integer(minimum=100),
            "held_out": lambda one: one.number(minimum=0.05, maximum=0.5),
            "held_out_rows": lambda one: one.integer(minimum=30),
            "metric": Value.word,
            "confidence": lambda one: one.number(minimum=0.5, maximum=0.9999),
            "rise": lambda one: one.number(minimum=0.001, maximum=1),
            "again": lambda one: one.number(minimum=0),
            "earlier": Value.boolean,
            "if_needed": Value.boolean,
            "stage": Value.word,
            "canary": _canary,
            "max_per_day": lambda one: one.integer(minimum=1),
            "cooldown": lambda one: 0.0 if one.word() == "0" else span(one),
            "trust": Value.boolean,
        },
        required=("into",),
    )
    if found.max_rows < found.min_rows:
        raise value.fail(f"can never hold: min_rows {found.min_rows} is above max_rows")
    if 0 < found.again <= 1:
        raise value.fail("would retrain for ever", hint="again: 4, or 0 for not again")
    return found


def _retrain(cooldown: float | None = None, **said: Any) -> Retrain:
    return Retrain(**said) if cooldown is None else Retrain(cooldown_s=cooldown, **said)


def _source(value: Value) -> Source:
    if not value.is_mapping:
        if value.word() != "predictions":
            raise value.fail(
                f"is '{value.word()[:40]}', which is no source",
                hint="source: predictions, {file: PATH} or {command: CMD}",
            )
        return Source(predictions=True)
    found: Source = value.record(_of, {"file": Value.text, "command": _command, "timeout": span})
    if (found.file is None) == (found.command is None):
        raise value.fail("must be one of the two", hint="{file: PATH} or {command: CMD}")
    return found


def _of(timeout: float = Source().timeout_s, **said: Any) -> Source:
    return Source(**said, timeout_s=timeout)


def _command(value: Value) -> str | tuple[str, ...]:
    found = config_values.words(value) if value.is_list else value.text()
    if not found:
        raise value.fail("says nothing", hint="write it as command: python fresh.py")
    if "\0" in "".join(found):
        raise value.fail("has a NUL character, which no command may have")
    return found


def _window(value: Value) -> Window | int:
    if value.word() in ("change", "all"):
        return "all" if value.word() == "all" else "change"
    if not value.word().isdigit():
        raise value.fail(
            f"is '{value.word()[:40]}', which is no window",
            hint="window: change, all, or a number of rows",
        )
    return value.integer(minimum=30)


def _canary(value: Value) -> CanarySettings:
    if not value.is_mapping:
        return CanarySettings(share=_part(value))
    keys = {"share": _part, "for": span, "min_requests": lambda one: one.integer(minimum=1)}
    found: dict[str, Any] = value.record(dict, keys)
    if "for" in found:
        found["for_s"] = found.pop("for")
    return CanarySettings(**found)


def _part(value: Value) -> float:
    found = share(value)
    if not 0 < found < 1:
        raise value.fail("is no share of the requests", hint="as in 10% or 0.1")
    return found
