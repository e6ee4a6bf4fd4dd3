"""Keras and PyTorch Lightning: parameters of the training, and metrics at each epoch."""

import functools
import importlib
from typing import Any

from mlops_cli.autolog import record


def watch_keras(keras: Any) -> None:
    """Watch `fit` of Keras's models, by a callback of Keras."""

    class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            with record.harmless("an epoch of Keras"):
                record.metrics(logs or {}, epoch)

    fit = keras.Model.fit

    @functools.wraps(fit)
    def watched(model: Any, *args: Any, **options: Any) -> Any:
        with record.harmless("the parameters of Keras"):
            _note_keras(model, options)
        given = options.get("callbacks") or []
        given = list(given) if isinstance(given, list | tuple) else [given]
        return fit(model, *args, **{**options, "callbacks": [*given, Epochs()]})

    keras.Model.fit = watched


def _note_keras(model: Any, options: dict[str, Any]) -> None:
    wanted = ("batch_size", "epochs", "validation_split", "shuffle", "initial_epoch")
    found = {name: record.plain(options[name]) for name in wanted if name in options}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        settings = optimizer.get_config()
        found |= {f"optimizer.{name}": record.plain(value) for name, value in settings.items()}
    found["loss"] = record.plain(getattr(model, "loss", None))
    if getattr(model, "built", False):
        found["weights"] = int(model.count_params())
    name = record.label("Keras", found)
    if name is not None:
        record.params(name, found)


def watch_lightning(module: Any) -> None:
    """Watch `Trainer.fit`, by a callback of Lightning."""
    package = module.__name__.removesuffix(".trainer.trainer")
    callback: Any = importlib.import_module(f"{package}.callbacks").Callback

    class Epochs(callback):  # type: ignore[misc]
        def __init__(self) -> None:
            self._told: dict[str, tuple[int, float]] = {}

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self._tell(trainer, stale=True)

        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.sanity_checking:  # a few rows, before the training
                self._tell(trainer, stale=False)  # those of the training may be of the last epoch

        def _tell(self, trainer: Any, *, stale: bool) -> None:
            """Record what changed, and with `stale` what the epoch has no value of yet."""
            if not trainer.is_global_zero:
                return
            with record.harmless("an epoch of Lightning"):
                epoch = int(trainer.current_epoch)
                held = {name: float(value) for name, value in trainer.callback_metrics.items()}
                found = {}
                for name, value in held.items():
                    of, before = self._told.get(name, (-1, None))
                    if value != before or (stale and of != epoch):
                        found[name] = value
                        self._told[name] = epoch, value
                if found:
                    record.metrics(found, epoch)

    fit = module.Trainer.fit

    @functools.wraps(fit)
    def watched(trainer: Any, model: Any, *args: Any, **options: Any) -> Any:
        with record.harmless("the parameters of Lightning"):
            _note_lightning(trainer, model)
            if not any(isinstance(one, Epochs) for one in trainer.callbacks):
                trainer.callbacks.append(Epochs())
        return fit(trainer, model, *args, **options)

    module.Trainer.fit = watched


def _note_lightning(trainer: Any, model: Any) -> None:
    found = {"max_epochs": record.plain(trainer.max_epochs)}
    given = dict(getattr(model, "hparams", {}))
    found |= {f"hparams.{key}": record.plain(value) for key, value in given.items()}
    name = record.label("Lightning", found)
    if name is not None:
        record.params(name, found)
