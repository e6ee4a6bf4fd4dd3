"""What `.mlops.yaml` says of gates: the rules that a version passes before a stage accepts it.

Loaded only by projects that have some. The first key of a gate tells its kind.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from mlops_cli.core import config_values
from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value

EVALUATION = "evaluation"
"""What `data:` says for the model's own data to be evaluated on."""
CONFIDENCE = 0.95
TIMEOUT_S = 600.0
FAIRNESS = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "equal_opportunity_difference",
    "equal_opportunity_ratio",
    "accuracy_difference",
    "accuracy_ratio",
    "mae_difference",
    "mae_ratio",
    "mean_prediction_difference",
)
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)?")
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20}
_BYTES |= {"GB": 10**9, "GiB": 2**30}


@dataclass(frozen=True, slots=True)
class MetricGate:
    """Bounds on a metric, themselves allowed, and comparisons with what stands in a stage."""

    metric: str
    min: float | None = None
    max: float | None = None
    not_worse_than: str | None = None
    """A stage, whose version's value of the metric is the bound."""
    better_than: str | None = None
    """A stage, whose version must be worse by more than chance explains."""
    tolerance: float = 0.0
    """How much worse than that version is still accepted, in the metric's unit."""
    higher_is_better: bool | None = None
    """Default: as the metric is known to be, else true."""
    data: str | None = None
    """The data of the evaluation that counts, `evaluation` for the model's own; None: the run."""
    slice: str | None = None
    """Rows that count, such as `region=north`; None: all."""
    confidence: float = CONFIDENCE
    """How sure a comparison of two versions on the same rows must be."""


@dataclass(frozen=True, slots=True)
class FairnessGate:
    """A bound on how differently groups of people are treated, by fairlearn's definitions."""

    fairness: str
    of: str
    """The column that tells the groups."""
    min: float | None = None
    max: float | None = None
    data: str = EVALUATION


@dataclass(frozen=True, slots=True)
class LatencyGate:
    """The longest that a row alone may take, or a row of a batch, as measured by `evaluate`."""

    latency: Literal["row", "batch"]
    max_s: float


@dataclass(frozen=True, slots=True)
class SizeGate:
    """The most bytes that the model's files may have."""

    max_bytes: int


@dataclass(frozen=True, slots=True)
class SignatureGate:
    """Whoever asks the version of a stage can ask this one; None: of the stage to be moved."""

    stage: str | None = None


@dataclass(frozen=True, slots=True)
class ReproducedGate:
    """The run that made the version was made again."""

    verdict: Literal["equal", "identical"]
    signed: bool = False
    """Whether the statement that says so must carry a signature that the settings vouch for."""


@dataclass(frozen=True, slots=True)
class DriftGate:
    """The training data have not drifted from those of the version in a stage."""

    stage: str


@dataclass(frozen=True, slots=True)
class ValidatedGate:
    """Data of the version pass their schema, as it is now or was where the version was made."""

    schema: Literal["now", "commit"] = "now"
    data: str | None = None
    """A path that the version's run read; None: what the version was trained on."""


@dataclass(frozen=True, slots=True)
class CommandGate:
    """A command that must end with 0."""

    command: str | tuple[str, ...]
    """A shell line, or the words of a command that no shell reads."""
    name: str | None = None
    timeout_s: float = TIMEOUT_S


Gate = (
    MetricGate
    | FairnessGate
    | LatencyGate
    | SizeGate
    | SignatureGate
    | ReproducedGate
    | DriftGate
    | ValidatedGate
    | CommandGate
)


def read(value: Value, stages: tuple[str, ...]) -> Gate:
    """Return the gate that a mapping says; `stages` are those of the model.

    Raises:
        RequestError: it is none, asks for nothing, or can never pass.
    """
    written = dict(value.items())
    kinds = [kind for kind in _READERS if kind in written]
    if len(kinds) != 1:
        many = f"is {len(kinds)} gates at once: {', '.join(kinds)}" if kinds else "is no gate"
        raise value.fail(many, hint="give it one of: " + ", ".join(_READERS))
    return _READERS[kinds[0]](value, lambda inner: inner.choice(*stages))


def title(gate: Gate) -> str:
    """Return what people call a gate.

    >>> title(LatencyGate("row", 0.005)), title(SizeGate(1500))
    ('one row within 5 ms', 'size at most 1,500 bytes')
    """
    match gate:
        case MetricGate():
            return gate.metric
        case FairnessGate():
            return f"{gate.fairness} of {gate.of}"
        case LatencyGate():
            what = "one row" if gate.latency == "row" else "a row of a batch"
            return f"{what} within {_time(gate.max_s)}"
        case SizeGate():
            return f"size at most {gate.max_bytes:,} bytes"
        case SignatureGate():
            return f"signature compatible with {gate.stage or 'the stage'}"
        case ReproducedGate():
            return f"reproduced, {gate.verdict}" + (" and signed" if gate.signed else "")
        case DriftGate():
            return f"trained on data like {gate.stage}'s"
        case ValidatedGate():
            then = " then" if gate.schema == "commit" else ""
            return f"{gate.data or 'training data'} passes its schema{then}"
        case CommandGate():
            command = gate.command
            return gate.name or (command if isinstance(command, str) else " ".join(command))


def _time(seconds: float) -> str:
    """Return a time as people write it: of minutes and hours only whole ones.

    >>> _time(1), _time(0.005), _time(0.0005), _time(3600), _time(90), _time(1.5)
    ('1 s', '5 ms', '500 us', '1 h', '90 s', '1.5 s')
    """
    for unit in ("h", "m", "s", "ms"):
        count = seconds / _SECONDS[unit]
        whole = abs(count - round(count)) < 1e-9 * count
        if count >= 1 and (whole or unit in ("s", "ms")):
            return f"{count:g} {unit}"
    return f"{seconds / _SECONDS['us']:g} us"


_Stage = Callable[[Value], str]


def _metric(value: Value, stage: _Stage) -> MetricGate:
    gate: MetricGate = value.record(
        MetricGate,
        {
            "metric": Value.text,
            "min": Value.number,
            "max": Value.number,
            "not_worse_than": stage,
            "better_than": stage,
            "tolerance": lambda inner: inner.number(minimum=0),
            "higher_is_better": Value.boolean,
            "data": Value.text,
            "slice": Value.text,
            "confidence": _confidence,
        },
    )
    others = (gate.not_worse_than, gate.better_than)
    if gate.min is None and gate.max is None and others == (None, None):
        raise value.fail("asks for nothing", hint="give it min, max, not_worse_than or better_than")
    _check_bounds(value, gate.min, gate.max)
    if gate.tolerance and gate.not_worse_than is None:
        raise value.fail("has a tolerance, and not_worse_than nothing")
    return gate


def _confidence(value: Value) -> float:
    found = value.number(minimum=0.5, maximum=0.9999)
    return float(found)


def _fairness(value: Value, _: _Stage) -> FairnessGate:
    gate: FairnessGate = value.record(
        FairnessGate,
        {
            "fairness": lambda inner: inner.choice(*FAIRNESS),
            "of": Value.text,
            "min": Value.number,
            "max": Value.number,
            "data": Value.text,
        },
        required=("of",),
    )
    if gate.min is None and gate.max is None:
        bound = "min" if gate.fairness.endswith("_ratio") else "max"
        raise value.fail("asks for nothing", hint=f"give it {bound}")
    _check_bounds(value, gate.min, gate.max)
    return gate


def _check_bounds(value: Value, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise value.fail(f"can never pass: min {low} is above max {high}")


def _latency(value: Value, _: _Stage) -> LatencyGate:
    def make(latency: Literal["row", "batch"], max: float) -> LatencyGate:  # noqa: A002  the key
        return LatencyGate(latency, max)

    readers: Mapping[str, Any] = {
        "latency": lambda inner: inner.choice("row", "batch"),
        "max": _seconds,
    }
    return value.record(make, readers, required=("max",))


def _size(value: Value, _: _Stage) -> SizeGate:
    return value.record(lambda size: SizeGate(size), {"size": _bytes})


def _signature(value: Value, stage: _Stage) -> SignatureGate:
    readers = {"signature": lambda inner: inner.choice("compatible"), "with": stage}
    return value.record(lambda **keys: SignatureGate(keys.get("with")), readers)


def _reproduced(value: Value, _: _Stage) -> ReproducedGate:
    def verdict(inner: Value) -> str:
        if inner.word() in ("true", "True", "TRUE"):
            return "equal"
        return inner.choice("equal", "identical")

    return value.record(
        lambda reproduced, signed=False: ReproducedGate(reproduced, signed),
        {"reproduced": verdict, "signed": Value.boolean},
    )


def _drift(value: Value, stage: _Stage) -> DriftGate:
    return value.record(lambda drift: DriftGate(drift), {"drift": stage})


def _validated(value: Value, _: _Stage) -> ValidatedGate:
    def schema(inner: Value) -> str:
        if inner.word() in ("true", "True", "TRUE"):
            return "now"
        return inner.choice("now", "commit")

    return value.record(
        lambda validated, data=None: ValidatedGate(validated, data),
        {"validated": schema, "data": config_values.path},
    )


def _command(value: Value, _: _Stage) -> CommandGate:
    def command(inner: Value) -> str | tuple[str, ...]:
        found = config_values.words(inner) if inner.is_list else inner.text()
        if not found:
            raise inner.fail("says nothing", hint="write it as command: python check.py")
        return found

    return value.record(
        lambda command, timeout=TIMEOUT_S, name=None: CommandGate(command, name, timeout),
        {"command": command, "timeout": _seconds, "name": Value.text},
    )


def _seconds(value: Value) -> float:
    match = _TIME.fullmatch(value.word())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not seconds:
        raise value.fail(f"is '{value.word()[:40]}', which is no time", hint="as in 5ms, 2s or 10m")
    return seconds


def _bytes(value: Value) -> int:
    match = _SIZE.fullmatch(value.word())
    count = int(float(match[1]) * _BYTES[match[2] or "B"]) if match else 0
    if not count:
        raise value.fail(f"is '{value.word()[:40]}', which is no size", hint="as in 500kB or 1GiB")
    return count


_READERS: Mapping[str, Callable[[Value, _Stage], Gate]] = {
    "metric": _metric,
    "fairness": _fairness,
    "latency": _latency,
    "size": _size,
    "signature": _signature,
    "reproduced": _reproduced,
    "drift": _drift,
    "validated": _validated,
    "command": _command,
}
KINDS = tuple(_READERS)
"""The keys that tell kinds of gates."""
