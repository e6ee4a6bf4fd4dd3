"""XGBoost and LightGBM: parameters, and what they evaluate at each round, by their callbacks."""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from mlops_cli.autolog import record


def watch_xgboost(module: Any) -> None:
    """Watch `xgboost.train`, which its estimators call too; `module` is `xgboost.sklearn`."""
    from xgboost.callback import TrainingCallback

    class Rounds(TrainingCallback):  # type: ignore[misc,unused-ignore]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            with record.harmless("a round of XGBoost"):
                record.metrics(
                    {
                        f"{data}.{metric}": values[-1][0]
                        if isinstance(values[-1], tuple)
                        else values[-1]
                        for data, found in evals_log.items()
                        for metric, values in found.items()
                    },
                    epoch,
                )
            return False

    places = [sys.modules.get(name) for name in ("xgboost", "xgboost.training")]
    _replace("XGBoost", [module, *places], module.train, Rounds)


def watch_lightgbm(module: Any) -> None:
    """Watch `lightgbm.train`, which its estimators call too; `module` is `lightgbm.sklearn`."""

    def rounds() -> Callable[[Any], None]:
        def after(env: Any) -> None:
            with record.harmless("a round of LightGBM"):
                record.metrics(
                    {f"{one[0]}.{one[1]}": one[2] for one in env.evaluation_result_list or ()},
                    env.iteration,
                )

        return after

    places = [sys.modules.get(name) for name in ("lightgbm", "lightgbm.engine")]
    _replace("LightGBM", [module, *places], module.train, rounds)


def _replace(
    library: str, places: list[Any], train: Callable[..., Any], callback: Callable[[], Any]
) -> None:
    """Put a watched `train` wherever the library has it."""

    @functools.wraps(train)
    def watched(params: Any, *args: Any, **options: Any) -> Any:
        with record.harmless(f"the parameters of {library}"):
            _note(library, params, options)
            options = {**options, "callbacks": [*(options.get("callbacks") or ()), callback()]}
        return train(params, *args, **options)

    for place in places:
        if place is not None and getattr(place, "train", None) is train:
            place.train = watched


def _note(library: str, params: Any, options: Mapping[str, Any]) -> None:
    found = {str(key): record.plain(value) for key, value in dict(params or {}).items()}
    if "num_boost_round" in options:
        found["num_boost_round"] = record.plain(options["num_boost_round"])
    name = record.label(library, found)
    if name is not None:
        record.params(name, found)
