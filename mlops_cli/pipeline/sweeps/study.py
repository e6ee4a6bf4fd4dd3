"""What to try next and what to give up: asked of Optuna, which keeps nothing.

Its study is in memory, and made again from our own trials when a sweep is resumed. The only module
that knows Optuna.
"""

import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlops_cli.core.ranges import Range
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.sweeps.definition import Definition
from mlops_cli.pipeline.sweeps.trial import Trial

if TYPE_CHECKING:
    import optuna

_MIN_TRIALS = 10
"""With fewer it is not said which parameters matter."""


class Study:
    """The trials of a sweep so far, and what follows from them."""

    def __init__(self, definition: Definition, before: Iterable[Trial] = ()) -> None:
        self._definition = definition
        self._optuna = library()
        self._spaces = {name: self._space(one) for name, one in definition.ranges.items()}
        self._open: dict[int, optuna.Trial] = {}
        earlier = list(before)
        self._next = max((trial.number for trial in earlier), default=-1) + 1
        self._study = self._optuna.create_study(
            directions=[f"{way}imize" for way in definition.metrics.values()],
            sampler=self._sampler(definition.seed + self._next),
            pruner=self._pruner(),
        )
        for trial in earlier:
            if trial.ended:
                self._study.add_trial(self._frozen(trial))
        tried = [trial.params for trial in earlier if trial.ended]
        again = [dict(trial.params) for trial in earlier if not trial.ended]
        self._points: Iterator[dict[str, Any]] = iter(again)
        if definition.sampler == "grid":
            left = (one for one in self._grid() if one not in tried and one not in again)
            self._points = itertools.chain(again, left)

    def ask(self) -> Trial | None:
        """Return the next trial to do; None when the grid has no point left."""
        point = next(self._points, None)
        if point is None and self._definition.sampler == "grid":
            return None
        if point is not None:
            self._study.enqueue_trial(self._inner(point))
        asked = self._study.ask(self._spaces)
        trial = Trial(self._next, self._outer(asked.params))
        self._open[trial.number] = asked
        self._next += 1
        return trial

    def report(self, number: int, step: int, value: float) -> bool:
        """Take in what a trial logged on the way; return whether to give it up."""
        trial = self._open.get(number)
        if trial is None or value != value or step < 0:
            return False
        if step in self._study.trials[trial.number].intermediate_values:
            return False
        trial.report(value, step)
        return trial.should_prune()

    def tell(self, trial: Trial) -> None:
        """Take in how a trial ended."""
        states = self._optuna.trial.TrialState
        asked = self._open.pop(trial.number)
        if trial.state == "done":
            self._study.tell(asked, list(trial.values))
        elif trial.state == "pruned":
            self._study.tell(asked, state=states.PRUNED)
        else:
            self._study.tell(asked, state=states.FAIL)

    def importances(self) -> dict[str, float]:
        """Return how much each parameter matters to the first metric, in shares of 1.

        Nothing when there are too few trials to tell.
        """
        done = [one for one in self._study.trials if one.state.name == "COMPLETE"]
        if len(done) < _MIN_TRIALS or len(self._spaces) < 2:
            return {}
        several = len(self._definition.metrics) > 1
        try:
            found = self._optuna.importance.get_param_importances(
                self._study,
                evaluator=self._optuna.importance.FanovaImportanceEvaluator(seed=0),
                target=(lambda one: one.values[0]) if several else None,
            )
        except (ImportError, RuntimeError, ValueError):
            return {}
        return {name: float(share) for name, share in found.items()}

    def _space(self, one: Range) -> Any:
        kinds = self._optuna.distributions
        if one.kind == "choice":
            return kinds.CategoricalDistribution(tuple(range(len(one.values))))
        if one.kind in ("int", "logint"):
            step, log = int(one.step or 1), one.kind == "logint"
            last = int(one.low) + (int(one.high) - int(one.low)) // step * step
            return kinds.IntDistribution(int(one.low), last, log=log, step=step)
        if one.step is None:
            return kinds.FloatDistribution(one.low, one.high, log=one.kind == "log")
        high = one.low + (one.count or 1) * one.step - one.step
        return kinds.FloatDistribution(one.low, high, step=one.step)

    def _inner(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters as Optuna has them: of choices, which one it is."""
        return {
            name: _place(self._definition.ranges[name], value) for name, value in params.items()
        }

    def _outer(self, params: Mapping[str, Any]) -> dict[str, Any]:
        ranges = self._definition.ranges
        return {
            name: ranges[name].values[params[name]]
            if ranges[name].kind == "choice"
            else params[name]
            for name in ranges
        }

    def _frozen(self, trial: Trial) -> Any:
        states = self._optuna.trial.TrialState
        state = {"done": states.COMPLETE, "pruned": states.PRUNED}.get(trial.state, states.FAIL)
        return self._optuna.trial.create_trial(
            state=state,
            values=list(trial.values) if trial.state == "done" else None,
            params=self._inner(trial.params),
            distributions=self._spaces,
            intermediate_values=dict(trial.intermediate),
        )

    def _grid(self) -> Iterator[dict[str, Any]]:
        """Yield every point, the last parameter running fastest."""
        names = list(self._definition.ranges)
        values = [one.points() for one in self._definition.ranges.values()]
        for point in itertools.product(*values):
            yield dict(zip(names, point, strict=True))

    def _sampler(self, seed: int) -> Any:
        samplers = self._optuna.samplers
        seed %= 2**32
        name = self._definition.sampler
        if name in ("random", "grid"):
            return samplers.RandomSampler(seed=seed)
        if name == "tpe":
            return samplers.TPESampler(seed=seed)
        if name == "nsga2":
            return samplers.NSGAIISampler(seed=seed)
        needs = {"cmaes": ("cmaes",), "gp": ("torch",), "qmc": ()}[name]
        for module in needs:
            _require(module, name)
        kinds = {
            "cmaes": samplers.CmaEsSampler,
            "gp": samplers.GPSampler,
            "qmc": samplers.QMCSampler,
        }
        if len(self._definition.metrics) > 1 and name == "cmaes":
            raise RequestError(
                "the sampler cmaes knows one metric only", hint="--sampler tpe or nsga2"
            )
        return kinds[name](seed=seed)

    def _pruner(self) -> Any:
        pruners = self._optuna.pruners
        kinds = {
            "none": pruners.NopPruner,
            "median": pruners.MedianPruner,
            "hyperband": pruners.HyperbandPruner,
            "halving": pruners.SuccessiveHalvingPruner,
        }
        return kinds[self._definition.pruner]()


def front(trials: Iterable[Trial], definition: Definition) -> list[Trial]:
    """Return the trials that were done and that no other beats in all metrics; the best, of one."""
    signs = [1 if way == "max" else -1 for way in definition.metrics.values()]
    done = [trial for trial in trials if trial.state == "done"]
    scores = {t.number: tuple(s * v for s, v in zip(signs, t.values, strict=True)) for t in done}
    if len(signs) == 1:
        best = max(done, key=lambda trial: (scores[trial.number], -trial.number), default=None)
        return [] if best is None else [best]
    kept: list[Trial] = []
    for trial in sorted(done, key=lambda one: scores[one.number], reverse=True):
        mine = scores[trial.number]
        if not any(_at_least(scores[other.number], mine) for other in kept):
            kept.append(trial)
    return kept


def _at_least(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))


def _place(one: Range, value: Any) -> Any:
    if one.kind != "choice":
        return value
    return next(at for at, v in enumerate(one.values) if v == value and type(v) is type(value))


def _require(module: str, sampler: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise RequestError(
            f"the sampler {sampler} needs the library '{module}'", hint=f"pip install {module}"
        )


def library() -> Any:
    """Return Optuna, which says nothing of its own.

    Raises:
        RequestError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise RequestError(
            "sweeps need Optuna, which is not installed", hint="pip install 'mlo[sweep]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
