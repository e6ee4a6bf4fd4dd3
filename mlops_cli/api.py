"""What training code imports: `import mlops_cli.api as mlo`.

Inside `mlo run` everything goes to that run. A script that is started by itself gets a run of its
own with the first thing that it logs; the run ends with the script. Safe in threads and in worker
processes. Logging never ends the training: what the disk refuses is said once, as a warning.
"""

import json
import math
import os
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import MloError, NotARepository, RequestError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlops_cli.fs.file import VersionFile
    from mlops_cli.registry.formats import Predictor
    from mlops_cli.runs.open_run import OpenRun

_FOLDER, _PARAMS, _ROOT, _STEP = "MLO_RUN_DIR", "MLO_PARAMS", "MLO_ROOT", "MLO_STEP"
_LINE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Params(dict[str, Any]):
    """Parameters by name; those in a group also as attributes: `params().train.depth`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"there is no parameter '{name}' here; there are {', '.join(self) or 'none'}"
            ) from None


def params() -> Params:
    """Return the parameters of this run, nested: those of `.mlops.yaml` and of `--set`.

    Raises:
        NotARepository: this is neither inside `mlo run` nor in a project.
    """
    given = os.environ.get(_PARAMS)
    if given is not None:
        with Path(given).open(encoding="utf-8") as file:
            held: dict[str, Any] = json.load(file)
        return _nested(held)
    from mlops_cli.core.config import load
    from mlops_cli.core.layout import find

    return _nested(load(find(Path.cwd()).settings).params)


def log_params(values: Mapping[str, Any]) -> None:
    """Record parameters that the code chose itself; nested ones get dotted names.

    Raises:
        RequestError: a value is no text, number, truth value, list or mapping of these.
    """
    from mlops_cli.runs.params import flatten

    try:
        flat = {name: _plain(value) for name, value in flatten(values).items()}
    except TypeError as error:
        raise RequestError(f"a parameter cannot be recorded: {error}") from error
    _write("params.jsonl", {"params": flat})


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """Record a number; the last one of a name is the run's result, the others its history.

    `step` says how far the training is, such as the epoch.

    Raises:
        RequestError: it is not a number.
    """
    log_metrics({name: value}, step)


def log_metrics(values: Mapping[str, float], step: int | None = None) -> None:
    """Record several numbers of the same moment.

    Raises:
        RequestError: one is not a number.
    """
    numbers = {str(name): _number(name, value) for name, value in values.items()}
    line: dict[str, Any] = {"time": round(time.time(), 6), "metrics": numbers}
    if step is not None:
        line["step"] = int(step)
    _write("metrics.jsonl", line)


def log_artifact(path: str | os.PathLike[str]) -> None:
    """Keep a file or folder of the project with the run, as it is when the run ends.

    Raises:
        RequestError: there is nothing at the path, or it is outside the project.
    """
    _log_path(path, "output")


def log_input(path: str | os.PathLike[str]) -> None:
    """Note that the run reads this file or folder of the project.

    Raises:
        RequestError: there is nothing at the path, or it is outside the project.
    """
    _log_path(path, "input")


def log_model(
    model: Any,
    path: str | os.PathLike[str],
    data: "pd.DataFrame | np.ndarray | str | os.PathLike[str] | None" = None,
    target: str | None = None,
) -> Path:
    """Write a model to the folder `path`, keep it with the run, and return the path.

    `data` is the table that it was fitted on, or the path of one: what the model takes is read
    off it, so that serving can check requests. `target` names the column that it predicts; that
    and columns the model did not see are left out.

    Raises:
        RequestError: the model cannot be stored safely, or the path is outside the project.
    """
    from mlops_cli.registry import formats, signature

    folder = Path(path)
    source: str | None = None
    if isinstance(data, str | os.PathLike):
        from mlops_cli.data import table

        source = _log_path(data, "input")
        data = table.read(Path(data), str(data))
    described = signature.for_model(model, data, target=target)
    formats.save(model, folder, described, target=target)
    _log_path(folder, "model", data=source, target=target)
    return folder


def load_model(path: str | os.PathLike[str], *, trust: bool = False) -> "Predictor":
    """Return the model at `path`, with `predict` and `predict_proba` for tables.

    Code in the model file may run only with `trust`.

    Raises:
        RequestError: there is no model, or it needs code that was not trusted.
    """
    from mlops_cli.registry import formats

    return formats.load(Path(path), trust=trust)


def open(path: str | os.PathLike[str], rev: str | None = None) -> "VersionFile":  # noqa: A001
    """Open a version of a file for reading bytes, in place: no checkout, from a remote if need be.

    Without `rev`, a git revision, the version that the work tree's pointer names, or `mlo.lock`.
    `path` may say a revision by itself, `PATH@REV`.

    Raises:
        FileNotFoundError: it is not versioned there, or its bytes are neither here nor there.
        IntegrityError: its bytes are damaged.
    """
    from mlops_cli.data import paths
    from mlops_cli.fs.view import View

    view = View(rev=rev)
    return view.open(paths.relative(view.project.repo, Path.cwd() / path))


class _Sink:
    """Appends lines to the journals of one run."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self._handles: dict[str, int] = {}
        self._guard = threading.Lock()

    def write(self, name: str, record: dict[str, Any]) -> None:
        """Append a record by one system call, so that lines of many writers never mix."""
        step = os.environ.get(_STEP)
        if step is not None:
            record["by"] = step
        try:
            os.write(self._handle(name), _LINE(record).encode("utf-8", "surrogateescape") + b"\n")
        except OSError as error:
            _warn_once(f"mlo could not record: {(error.strerror or str(error)).lower()}")

    def _handle(self, name: str) -> int:
        handle = self._handles.get(name)
        if handle is None:
            with self._guard:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                handle = self._handles[name] = os.open(self.folder / name, flags, 0o666)
        return handle


_sink: _Sink | None = None
_nowhere = False
"""Whether there is nothing to log to, which was said."""
_guard = threading.Lock()
_warned: set[str] = set()


def _write(name: str, record: dict[str, Any]) -> None:
    sink = _sink if _sink is not None else _open()
    if sink is not None:
        sink.write(name, record)


def _open() -> _Sink | None:
    """Return where to log to; None outside of a project, which is said once."""
    global _sink, _nowhere
    with _guard:
        if _sink is None and not _nowhere:
            folder, root = os.environ.get(_FOLDER), os.environ.get(_ROOT)
            _sink = _Sink(Path(folder), Path(root)) if folder and root else _begin()
            _nowhere = _sink is None
        return _sink


def _begin() -> _Sink | None:
    """Open a run of this script's own, which ends with it."""
    import sys

    from mlops_cli.core.repository import open_repository
    from mlops_cli.runs.finish import reap
    from mlops_cli.runs.open_run import begin

    try:
        repo = open_repository(Path.cwd())
    except NotARepository:
        _warn_once("mlo records nothing: this folder is in no project (make one: mlo init)")
        return None
    try:
        reap(repo)
        run = begin(repo, tuple(sys.orig_argv), params=repo.settings.params, environ=os.environ)
    except (MloError, OSError) as error:
        _warn_once(f"mlo records nothing: {error}")
        return None
    os.environ.update(run.variables(repo.root))
    _end_with_script(run, repo.root)
    return _Sink(run.folder, repo.root)


def _end_with_script(run: "OpenRun", root: Path) -> None:
    import atexit
    import sys

    leader = os.getpid()
    failure: list[str] = []
    before = sys.excepthook

    def note(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        failure.append("interrupted" if kind is KeyboardInterrupt else f"{kind.__name__}: {error}")
        before(kind, error, trace)

    def end() -> None:
        if os.getpid() != leader:
            return
        from mlops_cli.core.repository import open_repository
        from mlops_cli.runs.finish import finish

        try:
            repo = open_repository(root)
            if not failure:
                finish(repo, run, status="done", exit_code=0)
            elif failure[0] == "interrupted":
                finish(repo, run, status="interrupted", exit_code=130, error=failure[0])
            else:
                finish(repo, run, status="failed", exit_code=1, error=failure[0])
        except (MloError, OSError, RuntimeError) as error:
            # the next command records it: Python 3.12.1 starts no process or thread at exit
            _warn_once(f"mlo could not record this run yet: {error}")

    sys.excepthook = note
    atexit.register(end)


def _log_path(path: str | os.PathLike[str], role: str, **more: str | None) -> str:
    """Note a path of the project, and return it relative to the root."""
    sink = _sink if _sink is not None else _open()
    if sink is None:
        return os.fspath(path)
    typed = os.path.abspath(path)
    root = os.path.realpath(sink.root)
    real = os.path.join(os.path.realpath(os.path.dirname(typed)), os.path.basename(typed))
    if not real.startswith(root + os.sep):
        raise RequestError(
            f"'{os.fspath(path)}' is outside the project in '{root}'", hint="write it inside"
        )
    if not os.path.exists(real):
        raise RequestError(f"there is nothing at '{os.fspath(path)}' to log")
    kept = Path(real).relative_to(root).as_posix()
    sink.write("artifacts.jsonl", {"path": kept, "role": role, **more})
    return kept


def _nested(values: Mapping[str, Any]) -> Params:
    return Params(
        {
            name: _nested(value) if isinstance(value, Mapping) else value
            for name, value in values.items()
        }
    )


def _number(name: str, value: Any) -> float | str:
    """Return a number as journals hold it: those that JSON has no form for are text."""
    if isinstance(value, str):
        raise RequestError(f"the metric '{name}' is the text '{value[:40]}', not a number")
    if isinstance(value, int):
        return int(value)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise RequestError(f"the metric '{name}' is not a number: {error}") from error
    return number if math.isfinite(number) else repr(number)


def _plain(value: Any) -> Any:
    """Return a parameter as JSON holds it; numbers of numpy become Python's."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    raise TypeError(f"'{value!r:.60}' is neither text, number, list nor mapping")


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.add(text)
        warnings.warn(text, RuntimeWarning, stacklevel=2)
