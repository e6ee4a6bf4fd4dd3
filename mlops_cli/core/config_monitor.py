"""What `.mlops.yaml` says of `mlo monitor`: what must hold of models that are in use.

Loaded only by projects that have a monitor. The first key of a rule tells its kind.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from mlops_cli.core import config_actions, config_values
from mlops_cli.core.config_actions import RETRAIN, ActionSettings, RetrainAction
from mlops_cli.core.config_values import as_written, named, share, span
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.yaml_nodes import Value, suggest

if TYPE_CHECKING:
    from mlops_cli.core.config_retrain import Retrain

SEVERITIES = ("info", "warning", "critical")
Severity = Literal["info", "warning", "critical"]
Labels = Literal["realized", "estimated", "either"]
_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S


@dataclass(frozen=True, slots=True)
class DriftRule:
    """The inputs of a model are still like those it was trained on, as `mlo drift` says."""

    drift: str
    """The model, or a version of it."""
    window_s: float = _DAY_S
    last: int | None = None
    """Of these predictions only so many, the newest."""
    predictions: bool | None = None
    """Whether what the model answers has to be as before, too; None: where that is known."""
    segment: str | None = None
    """A column whose values are looked at apart, too."""
    multivariate: bool = False
    """Whether the columns are looked at together, too."""


@dataclass(frozen=True, slots=True)
class PerformanceRule:
    """A metric of the model's answers keeps within bounds, themselves allowed.

    Without a metric: it has not dropped below what it was on held-out data, as `mlo performance`
    says.
    """

    performance: str
    metric: str | None = None
    min: float | None = None
    max: float | None = None
    labels: Labels = "either"
    """Whether what turned out to be true counts, an estimate without it, or what there is."""
    window_s: float = 7 * _DAY_S


@dataclass(frozen=True, slots=True)
class ConceptRule:
    """The model's errors have not become more, as two detectors of concept drift agree."""

    concept: str
    window_s: float = 30 * _DAY_S


@dataclass(frozen=True, slots=True)
class LatencyRule:
    """Answers are given in time, as the servers of the model count it."""

    latency: str
    max_s: float
    quantile: float = 0.99
    """Of so many of the answers, in 0..1."""
    min_requests: int = 20
    """With fewer requests there is no verdict."""
    window_s: float = _HOUR_S


@dataclass(frozen=True, slots=True)
class ErrorsRule:
    """Few requests fail, as the servers of the model count it."""

    errors: str
    max: float
    """The share of requests that may fail, in 0..1."""
    min_requests: int = 20
    """With fewer requests there is no verdict."""
    window_s: float = _HOUR_S


@dataclass(frozen=True, slots=True)
class QualityRule:
    """What a model was asked, or a table, is as a schema says."""

    quality: str
    data: str | None = None
    """A table, `PATH` or `PATH@REV`; None: what the model was asked."""
    schema: str | None = None
    """The file of the schema; None: the one that `data` has in the settings."""
    window_s: float = _DAY_S


@dataclass(frozen=True, slots=True)
class StalenessRule:
    """What is in use is young enough; each is an age in seconds, None where it is not asked."""

    staleness: str
    version_s: float | None = None
    """Since the version in use was registered."""
    data_s: float | None = None
    """Since the data that it was trained on came to be."""
    prediction_s: float | None = None
    """Since the last answer."""


@dataclass(frozen=True, slots=True)
class VolumeRule:
    """As many predictions are asked for as should be, or as usual at this time of the day."""

    volume: str
    min: float | None = None
    """Predictions in an hour, at least."""
    max: float | None = None
    drop: float | None = None
    """By so much, in 0..1, there may be fewer than usual."""
    rise: float | None = None
    """By so much there may be more: 1.0 is twice as many."""
    window_s: float = _HOUR_S


Check = (
    DriftRule
    | PerformanceRule
    | ConceptRule
    | LatencyRule
    | ErrorsRule
    | QualityRule
    | StalenessRule
    | VolumeRule
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold, how long it may be broken, and what is done then."""

    name: str
    kind: str
    """The key that tells what it is about, such as `drift`."""
    check: Check
    for_s: float = 0.0
    """So long it is broken before anybody is told."""
    times: int = 1
    """So many checks in a row find it broken before anybody is told."""
    every_s: float | None = None
    """How often it is checked; None: as `monitor.every`."""
    severity: Severity = "warning"
    cooldown_s: float = 4 * _HOUR_S
    """Its actions run once in so long; as long as it fires, they run again after that."""
    actions: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """The model, or a version of it, as it is written."""
        return str(getattr(self.check, self.kind))

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.about.partition("@")[0]

    def written(self) -> dict[str, Any]:
        """Return it by the keys of the settings, with what it says by default."""
        held = as_written(self)
        lasted = {"for": self.times if self.times > 1 else held["for"]}
        rest = {key: held[key] for key in ("every", "severity", "cooldown", "actions")}
        return as_written(self.check) | lasted | rest


@dataclass(frozen=True, slots=True)
class Monitor:
    """What `mlo monitor` checks, how often, and whom it tells."""

    every_s: float = 300.0
    """How often rules are checked."""
    metrics_urls: tuple[str, ...] = ()
    """The `/metrics` of the servers, for what only they count; they are added up."""
    actions: Mapping[str, ActionSettings] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    retrain: "Mapping[str, Retrain]" = field(default_factory=dict)
    """How each model is retrained, by its name."""

    def written(self) -> dict[str, Any]:
        """Return it by the keys of the settings."""
        return as_written(self, metrics_urls="metrics_url")


def read(value: Value) -> Monitor:
    """Return what the mapping `monitor` says.

    Raises:
        RequestError: as of `yaml_nodes`; or a rule names an action that there is not, asks for
            nothing, or can never hold.
    """
    keys = value.fields(("every", "metrics_url", "actions", "rules", "retrain"))
    found: dict[str, Any] = {}
    if "every" in keys:
        found["every_s"] = span(keys["every"], least=1.0)
    if "metrics_url" in keys:
        urls = keys["metrics_url"]
        found["metrics_urls"] = tuple(
            map(config_actions.url, urls.each() if urls.is_list else (urls,))
        )
    if "actions" in keys:
        found["actions"] = config_actions.read(keys["actions"])
    if "rules" in keys:
        known = (*found.get("actions", ()), RETRAIN)
        found["rules"] = dict(_rules(keys["rules"], known, served="metrics_urls" in found))
    if "retrain" in keys:
        from mlops_cli.core import config_retrain

        models = named(keys["retrain"])
        found["retrain"] = {name: config_retrain.read(one) for name, one in models}
    monitor = Monitor(**found)
    _must_know_how(keys, monitor)
    return monitor


def _must_know_how(keys: Mapping[str, Value], monitor: Monitor) -> None:
    """Refuse a rule that has a model retrained, and nothing says how."""
    for name, rule in monitor.rules.items():
        for action in rule.actions:
            settings = monitor.actions.get(action)
            if settings is None or isinstance(settings, RetrainAction):
                named = rule.about if settings is None else settings.retrain or rule.about
                model = named.partition("@")[0]
                if model not in monitor.retrain:
                    raise dict(keys["rules"].items())[name].fail(
                        f"has '{model}' retrained, and nothing says how",
                        hint=f"monitor: {{retrain: {{{model}: {{into: data/train.csv}}}}}}",
                    )


def _rules(value: Value, actions: tuple[str, ...], *, served: bool) -> Iterator[tuple[str, Rule]]:
    for name, inner in named(value):
        rule = _rule(name, inner, actions)
        if rule.kind in ("latency", "errors") and not served:
            raise inner.fail(
                "is about what only a server counts, and no server is named",
                hint="monitor: {metrics_url: http://127.0.0.1:8000/metrics}",
            )
        yield name, rule


def _rule(name: str, value: Value, actions: tuple[str, ...]) -> Rule:
    kind = config_actions.first_key(value, _CHECKS, "rule")
    make, own, needed = _CHECKS[kind]
    keys = {kind: config_actions.model, **own, **_common(actions)}
    found: dict[str, Any] = value.record(dict, keys, required=needed)
    check = make(**{_FIELDS.get(key, key): found.pop(key) for key in (kind, *own) if key in found})
    _must_ask(value, check)
    times, for_s = found.pop("for", (1, 0.0))
    found = {_FIELDS.get(key, key): one for key, one in found.items()}
    return Rule(name, kind, check, for_s=for_s, times=times, **found)


def _common(actions: tuple[str, ...]) -> dict[str, Callable[[Value], Any]]:
    """Return what every rule can say."""
    return {
        "for": _for,
        "every": lambda one: span(one, least=1.0),
        "severity": lambda one: one.choice(*SEVERITIES),
        "cooldown": span,
        "actions": lambda one: _chosen(one, actions),
    }


def _for(value: Value) -> tuple[int, float]:
    """Return in how many checks in a row and for how long: `3`, or `30m`."""
    if value.word().isdigit():
        return value.integer(minimum=1, maximum=1000), 0.0
    return 1, span(value)


def _chosen(value: Value, known: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for one in value.each() if value.is_list else (value,):
        if one.word() not in known:
            raise one.fail(
                f"is '{one.word()[:80]}', and there is no such action",
                hint=suggest(one.word(), known),
            )
        found.append(one.word())
    return tuple(dict.fromkeys(found))


def _must_ask(value: Value, check: Check) -> None:
    """Refuse a rule that asks for nothing, or can never hold."""
    match check:
        case PerformanceRule(metric=None, min=None, max=None):
            return
        case PerformanceRule(metric=None):
            raise value.fail("has bounds, and no metric", hint="metric: accuracy")
        case PerformanceRule(min=low, max=high):
            asked: dict[str, float | str | None] = {"min": low, "max": high}
        case VolumeRule(min=low, max=high):
            asked = {"min": low, "max": high, "drop": check.drop, "rise": check.rise}
        case StalenessRule():
            ages = (check.version_s, check.data_s, check.prediction_s)
            asked = dict(zip(("version", "data", "prediction"), ages, strict=True))
        case QualityRule():
            asked = {"data": check.data, "schema": check.schema}
        case _:
            return
    if all(one is None for one in asked.values()):
        raise value.fail("asks for nothing", hint="give it " + " or ".join(asked))
    low, high = getattr(check, "min", None), getattr(check, "max", None)
    if low is not None and high is not None and low > high:
        raise value.fail(f"can never hold: min {low:g} is above max {high:g}")


_Readers = Mapping[str, Callable[[Value], Any]]
_FIELDS = {
    "window": "window_s",
    "version": "version_s",
    "prediction": "prediction_s",
    "every": "every_s",
    "cooldown": "cooldown_s",
}
"""What keys are called in the dataclasses where that is not the same."""
_WINDOW: _Readers = {"window": lambda one: span(one, least=1.0)}
_DRIFT: _Readers = {
    "last": lambda one: one.integer(minimum=1),
    "predictions": Value.boolean,
    "segment": Value.text,
    "multivariate": Value.boolean,
}
_PERFORMANCE: _Readers = {
    "metric": Value.text,
    "min": Value.number,
    "max": Value.number,
    "labels": lambda one: one.choice("realized", "estimated", "either"),
}
_LATENCY: _Readers = {
    "max": span,
    "quantile": lambda one: one.number(minimum=0, maximum=1),
    "min_requests": lambda one: one.integer(minimum=1),
}
_ERRORS: _Readers = {"max": share, "min_requests": lambda one: one.integer(minimum=1)}
_QUALITY: _Readers = {"data": Value.text, "schema": config_values.path}
_STALENESS: _Readers = {"version": span, "data": span, "prediction": span}
_VOLUME: _Readers = {
    "min": lambda one: one.number(minimum=0),
    "max": lambda one: one.number(minimum=0),
    "drop": share,
    "rise": share,
}


def _latency(max: float, **rest: Any) -> LatencyRule:  # noqa: A002  the key
    return LatencyRule(max_s=max, **rest)


def _staleness(data: float | None = None, **rest: Any) -> StalenessRule:
    return StalenessRule(data_s=data, **rest)


_CHECKS: Mapping[str, tuple[Callable[..., Check], _Readers, tuple[str, ...]]] = {
    "drift": (DriftRule, {**_WINDOW, **_DRIFT}, ()),
    "performance": (PerformanceRule, {**_WINDOW, **_PERFORMANCE}, ()),
    "concept": (ConceptRule, _WINDOW, ()),
    "latency": (_latency, {**_WINDOW, **_LATENCY}, ("max",)),
    "errors": (ErrorsRule, {**_WINDOW, **_ERRORS}, ("max",)),
    "quality": (QualityRule, {**_WINDOW, **_QUALITY}, ()),
    "staleness": (_staleness, _STALENESS, ()),
    "volume": (VolumeRule, {**_WINDOW, **_VOLUME}, ()),
}
"""By the key that tells the kind: how it is made, what else it can say, and what it must."""
KINDS = tuple(_CHECKS)
"""The keys that tell kinds of rules."""


def known_keys() -> set[str]:
    """Return every key that some rule can have."""
    own = {key for _, keys, _ in _CHECKS.values() for key in keys}
    return {*KINDS, *own, *_common(())}
