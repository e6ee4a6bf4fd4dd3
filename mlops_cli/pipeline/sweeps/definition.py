"""What a sweep is to do: which step, where to search, and what is good."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlops_cli.core import ranges
from mlops_cli.core.config_sweeps import PRUNERS, SAMPLERS, Direction, SweepSettings
from mlops_cli.core.ranges import Range
from mlops_cli.core.records import dataclass, field
from mlops_cli.errors import RequestError

MAX_GRID = 10_000
"""A grid of more points is refused unless it is said how many trials there are to be."""
DEFAULT_TRIALS = 20
_WAYS: dict[str, Direction] = {
    "max": "max",
    "min": "min",
    "maximize": "max",
    "minimize": "min",
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A sweep, all decided.

    Attributes:
        ranges: where to search, by dotted name of the parameter.
        fixed: `name=value` of parameters that are the same in all trials.
        metrics: what is good, in the order of importance for people.
        trials: how many to complete; None for as many as the timeout allows.
        timeout_s: seconds after which no trial begins.
    """

    step: str
    ranges: Mapping[str, Range]
    metrics: Mapping[str, Direction]
    trials: int | None
    fixed: tuple[str, ...] = ()
    sampler: str = "tpe"
    pruner: str = "none"
    seed: int = 0
    timeout_s: float | None = None

    @property
    def grid(self) -> int | None:
        """How many points the grid has; None for another sampler."""
        return grid_size(self.ranges) if self.sampler == "grid" else None

    def plain(self) -> dict[str, Any]:
        """Return it as the sweep's journal holds it."""
        return {
            "step": self.step,
            "params": {name: one.text for name, one in self.ranges.items()},
            "fixed": list(self.fixed),
            "metrics": dict(self.metrics),
            "trials": self.trials,
            "sampler": self.sampler,
            "pruner": self.pruner,
            "seed": self.seed,
            "timeout_s": self.timeout_s,
        }


def from_plain(held: Mapping[str, Any]) -> Definition:
    """Return the sweep that `Definition.plain` gave this for."""
    return Definition(
        step=str(held["step"]),
        ranges={name: ranges.parse(text, where=name) for name, text in held["params"].items()},
        metrics=dict(held["metrics"]),
        trials=held["trials"],
        fixed=tuple(held["fixed"]),
        sampler=str(held["sampler"]),
        pruner=str(held["pruner"]),
        seed=int(held["seed"]),
        timeout_s=held["timeout_s"],
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line says of a sweep; None and nothing where it is silent."""

    step: str
    assignments: Sequence[str] = ()
    metrics: Sequence[str] = ()
    directions: Sequence[str] = ()
    trials: int | None = None
    sampler: str | None = None
    pruner: str | None = None
    seed: int | None = None
    timeout_s: float | None = None
    guesses: Mapping[str, Direction] = field(default_factory=dict)
    """The direction of a metric about which nothing is said, by name."""


def decide(asked: Asked, settings: SweepSettings | None, *, seed: int) -> Definition:
    """Return the sweep that a command line and the settings say; `seed` is used if they name none.

    Raises:
        RequestError: a range does not parse, there is nothing to search or no metric, or the grid
            has no end or too many points.
    """
    searched, fixed = _params(asked, settings)
    if not searched:
        raise RequestError(
            f"the sweep of '{asked.step}' has nothing to search",
            hint=f"mlo sweep {asked.step} --set 'NAME=log(1e-4, 1e-1)'",
        )
    metrics = _metrics(asked, settings)
    sampler = _one_of(asked.sampler or (settings and settings.sampler) or "tpe", SAMPLERS)
    pruner = _one_of(asked.pruner or (settings and settings.pruner) or "none", PRUNERS)
    if pruner != "none" and len(metrics) > 1:
        raise RequestError(
            "trials can be pruned by one metric only", hint="name one --metric, or --pruner none"
        )
    timeout_s = asked.timeout_s
    if timeout_s is None and settings is not None:
        timeout_s = settings.timeout
    trials = asked.trials or (settings.trials if settings else None)
    if sampler == "grid":
        trials = _grid(searched, trials)
    elif trials is None and timeout_s is None:
        trials = DEFAULT_TRIALS
    given = asked.seed
    if given is None and settings is not None:
        given = settings.seed
    return Definition(
        step=settings.step if settings else asked.step,
        ranges=searched,
        metrics=metrics,
        trials=trials,
        fixed=fixed,
        sampler=sampler,
        pruner=pruner,
        seed=seed if given is None else given,
        timeout_s=timeout_s,
    )


def grid_size(searched: Mapping[str, Range]) -> int:
    """Return how many points a grid has.

    Raises:
        RequestError: a range has no end of values.
    """
    for name, one in searched.items():
        if one.count is None:
            raise RequestError(
                f"a grid needs values to go through, and '{name}' has no end of them: {one.text}",
                hint=f"--set '{name}=choice({one.low:g}, {one.high:g})', or steps in uniform(...)",
            )
    return math.prod(one.count or 1 for one in searched.values())


def _params(
    asked: Asked, settings: SweepSettings | None
) -> tuple[dict[str, Range], tuple[str, ...]]:
    """Return the ranges by name, and `name=value` of what is the same in all trials."""
    import json

    searched: dict[str, Range] = {}
    fixed: dict[str, str] = {}
    for name, value in (settings.params if settings else {}).items():
        if isinstance(value, Range):
            searched[name] = value
        else:
            fixed[name] = json.dumps(value)
    for assignment in asked.assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise RequestError(
                f"'{assignment}' is not name=value", hint="--set 'lr=log(1e-4, 1e-1)'"
            )
        searched.pop(name, None)
        fixed.pop(name, None)
        if ranges.is_range(text) or _begins_one(text):
            searched[name] = ranges.parse(text, where=f"--set {name}")
        else:
            fixed[name] = text
    return searched, tuple(f"{name}={text}" for name, text in fixed.items())


def _begins_one(text: str) -> bool:
    """Return whether a text is meant as a range, but is not closed."""
    return text.partition("(")[0].strip() in ranges.KINDS and "(" in text


def _metrics(asked: Asked, settings: SweepSettings | None) -> dict[str, Direction]:
    """Return what is good, from the command line if it names metrics."""
    if not asked.metrics:
        found = dict(settings.metrics) if settings else {}
        if not found:
            raise RequestError("nothing says what is good", hint="--metric auc --direction max")
        if asked.directions:
            raise RequestError("--direction goes with --metric", hint="name both")
        return found
    if len(asked.directions) > len(asked.metrics):
        raise RequestError("there are more --direction than --metric", hint="give one for each")
    chosen = {}
    for at, name in enumerate(asked.metrics):
        if at < len(asked.directions):
            chosen[name] = _WAYS[_one_of(asked.directions[at], tuple(_WAYS))]
        else:
            chosen[name] = (settings.metrics if settings else {}).get(name) or asked.guesses[name]
    return chosen


def _one_of(word: str, words: Sequence[str]) -> str:
    if word in words:
        return word
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), words, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"one of: {', '.join(words)}"
    raise RequestError(f"'{word[:40]}' is not known here", hint=hint)


def _grid(searched: Mapping[str, Range], trials: int | None) -> int:
    points = grid_size(searched)
    if trials is None and points > MAX_GRID:
        parts = " x ".join(str(one.count) for one in searched.values())
        raise RequestError(
            f"the grid has {points:,} points ({parts})",
            hint=f"say how many of them: --trials {MAX_GRID // 10}, or use --sampler tpe",
        )
    return min(points, trials) if trials else points
