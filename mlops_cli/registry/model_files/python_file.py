"""A class of the user's own: its code in `code`, what it saved in `data`.

    class Model:
        classes = ("no", "yes")              # where it has probabilities

        def predict(self, frame): ...        # one answer for each row of a data frame
        def predict_proba(self, frame): ...  # where it has them
        def save(self, folder): ...          # where it has anything to keep
        @classmethod
        def load(cls, folder): ...           # reads all of it, since the folder goes

Without `load` it is made anew, without arguments; an object that would not be the same is refused.

Loading it imports its code, so it needs trust. Two versions of one module may be loaded at once:
each has its own, and its modules are not to be had from `sys.modules` once it is loaded.
"""

import importlib
import inspect
import re
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry.model_files.kind import Kind, Reading, importable, needs_trust, read

CODE, DATA = "code", "data"
_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_IMPORTING = threading.Lock()


def entry_of(model: Any) -> str:
    """Return where the class of `model` is, as `MODULE:CLASS`; of a script's class, by its file.

    Raises:
        RequestError: it is in no file, or inside a function.
    """
    kind = type(model)
    module = kind.__module__
    if module == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        module = Path(file).stem if file else ""
    entry = f"{module}:{kind.__qualname__}"
    if not _ENTRY.fullmatch(entry):
        raise RequestError(
            f"the class {kind.__qualname__} is in no file of its own", hint="put it into a module"
        )
    return entry


def save(model: Any, target: Path, code: Sequence[Path] = ()) -> None:
    """Write the module or package of the class, more `code`, and what the model saves of itself.

    Raises:
        RequestError: there is no source to keep, or loading would not give the object back.
    """
    entry_of(model)
    _check_comes_back(model)
    for source in [_source(type(model)), *code]:
        _copy(source, target / CODE / source.name)
    (target / DATA).mkdir(parents=True)
    if hasattr(model, "save"):
        model.save(target / DATA)
    if not any((target / DATA).iterdir()):
        (target / DATA).rmdir()


def _check_comes_back(model: Any) -> None:
    """Raise RequestError where an object holds what no `save` keeps, or no `load` reads."""
    kind = type(model)
    lacks = [name for name in ("save", "load") if not callable(getattr(kind, name, None))]
    if not lacks:
        return
    methods = " and ".join(f"{name}(folder)" for name in lacks)
    hint = f"give the class {methods}; load is a classmethod that returns the object"
    if "load" not in lacks:
        hint = f"give the class {methods}"
    needed = _needed(kind) if "load" in lacks else []
    if needed:
        raise RequestError(
            f"{kind.__qualname__} cannot be made without '{needed[0]}' when it is loaded: "
            f"it has no {methods}",
            hint=hint,
        )
    lost = _lost(model, kind() if "load" in lacks else None)
    if lost:
        raise RequestError(
            f"'{lost[0]}' of this {kind.__qualname__} would be lost: the class has no {methods}",
            hint=hint,
        )


def _needed(kind: type) -> list[str]:
    """Return the names of the arguments that a class cannot be made without."""
    try:
        arguments = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return []
    varying = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in arguments if one.default is one.empty and one.kind not in varying]


def _lost(model: Any, anew: Any) -> list[str]:
    """Return the attributes of an object that one made anew has not, or has otherwise."""
    was, now = _state(model), _state(anew)
    return [name for name, value in was.items() if name not in now or not _same(value, now[name])]


def _state(model: Any) -> dict[str, Any]:
    slots: list[str] = []
    for kind in type(model).__mro__:
        named = vars(kind).get("__slots__", ())
        slots += [named] if isinstance(named, str) else named
    held = {name: getattr(model, name) for name in slots if hasattr(model, name)}
    return {**held, **getattr(model, "__dict__", {})}


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False  # such as arrays of many values


def _source(kind: type) -> Path:
    """Return the file of the module of a class, or the folder of its package."""
    root = kind.__module__.partition(".")[0]
    module = sys.modules[root]
    file = getattr(module, "__file__", None)
    folders = list(getattr(module, "__path__", ()))
    if folders:
        return Path(folders[0])
    if file is None:
        raise RequestError(f"the class {kind.__qualname__} is in no file")
    return Path(file)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
        shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)
    elif source.is_file():
        shutil.copyfile(source, target)
    else:
        raise RequestError(f"there is no code at '{source}'")


def _load(how: Reading) -> Any:
    entry = how.described.entry or ""
    if not _ENTRY.fullmatch(entry):
        raise IntegrityError(f"'{how.where}' names no class of its code, but '{entry}'")
    if not how.trust:
        raise needs_trust(f"a class of its own code, {entry}", how.where)
    code = how.path / CODE
    with _IMPORTING, importable(how.code), importable(code), _apart(code):
        return read(lambda: _made(entry, how.path / DATA), how.where)


def _made(entry: str, data: Path) -> Any:
    module, _, name = entry.partition(":")
    kind: Any = importlib.import_module(module)
    for part in name.split("."):
        kind = getattr(kind, part)
    return kind.load(data) if hasattr(kind, "load") else kind()


@contextmanager
def _apart(code: Path) -> Iterator[None]:
    """Let the modules in a folder be imported anew, and be forgotten again."""
    own = {one.stem for one in code.iterdir()} if code.is_dir() else set()

    def taken() -> dict[str, Any]:
        return {
            name: sys.modules.pop(name)
            for name in list(sys.modules)
            if name.partition(".")[0] in own
        }

    others, writes = taken(), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        taken()
        sys.modules.update(others)
        sys.dont_write_bytecode = writes


KIND = Kind(
    file="python",
    suffixes=(),
    libraries=("numpy", "pandas"),
    save=save,
    load=_load,
    runs_code=True,
)
