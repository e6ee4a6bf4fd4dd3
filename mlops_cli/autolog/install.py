"""Switching it on: libraries that are there now, and those that are imported later."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from mlops_cli.autolog import boosting, networks, sklearn_fits

_HOOKS: dict[str, Callable[[Any], None]] = {
    "sklearn.base": sklearn_fits.watch,
    "xgboost.sklearn": boosting.watch_xgboost,
    "lightgbm.sklearn": boosting.watch_lightgbm,
    "keras": networks.watch_keras,
    "pytorch_lightning.trainer.trainer": networks.watch_lightning,
    "lightning.pytorch.trainer.trainer": networks.watch_lightning,
}
"""What to do with a module once it is there."""
_done: set[str] = set()


def install(*, keep: Callable[..., Any] | None = None) -> tuple[str, ...]:
    """Watch each library that is installed, now or when it is imported; return their names.

    `keep` is called with each fitted model of scikit-learn, a path, and the table it was fitted on.
    """
    sklearn_fits.keep = keep
    if not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name in _HOOKS:
        if name in sys.modules:
            _watch(sys.modules[name])
    names = dict.fromkeys(name.partition(".")[0] for name in _HOOKS)
    return tuple(name for name in names if importlib.util.find_spec(name) is not None)


def _watch(module: ModuleType) -> None:
    if module.__name__ not in _done:
        _done.add(module.__name__)
        _HOOKS[module.__name__](module)


class _Finder(MetaPathFinder):
    """Finds nothing itself: has what the others find watched once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _HOOKS or fullname in _done:
            return None
        for finder in sys.meta_path:
            if not isinstance(finder, _Finder) and hasattr(finder, "find_spec"):
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        spec.loader = _Loader(spec.loader)
                    return spec
        return None


class _Loader(Loader):
    """Loads a module as another loader does, and has it watched."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _watch(module)
