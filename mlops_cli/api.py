"""What training code imports: `import mlops_cli.api as mlo`.

Inside `mlo run` everything goes to that run. A script that is started by itself gets a run of its
own with the first thing that it logs; the run ends with the script. Safe in threads and in worker
processes. Logging never ends the training: what the disk refuses, or is nothing that can be
recorded, is left out and said once, as a warning. `start_run` and `log_model` raise what is wrong
with a name or a model.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import MloError, RequestError
from mlops_cli.runs import lenient as _lenient
from mlops_cli.runs import sink as _sinks

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import pandas as pd

    from mlops_cli.fs.file import VersionFile
    from mlops_cli.registry.description import Format
    from mlops_cli.registry.formats import Predictor
    from mlops_cli.runs.own_run import Inner, Nothing

_sinks.name_script()
_quoted: Callable[[str], str] = json.encoder.encode_basestring


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
    given = os.environ.get(_sinks.PARAMS)
    if given is not None:
        with Path(given).open(encoding="utf-8") as file:
            held: dict[str, Any] = json.load(file)
        return _nested(held)
    from mlops_cli.core.config import load
    from mlops_cli.core.layout import find

    return _nested(load(find(Path.cwd()).settings).params)


def start_run(
    name: str | None = None,
    *,
    tags: "list[str] | tuple[str, ...]" = (),
    note: str | None = None,
    nested: bool = True,
) -> "Inner | Nothing":
    """Open a run for a `with` block, or until `end()` of what this returns is called.

    Within another run it is part of that one, unless `nested` is false. What is logged in the
    block goes to it, from threads and worker processes too when the main thread opened it. An
    exception that leaves the block makes it a failed run.

    Raises:
        RequestError: the name or a tag could be taken for something else.
    """
    from mlops_cli.runs import own_run

    repo = own_run.ground()
    if repo is None:
        return own_run.Nothing()
    given = params() if _sinks.PARAMS in os.environ else None
    outer = _sinks.opened()
    environ: Mapping[str, str] = os.environ
    if outer is not None or "MLO_PARENT" in environ:
        around = {"MLO_PARENT": outer.folder.name, "MLO_ROOT": str(outer.root)} if outer else {}
        alone = {name: value for name, value in environ.items() if name != "MLO_PARENT"}
        environ = {**alone, **around} if nested else alone
    try:
        opened = own_run.begin(
            repo, params=given, name=name, tags=tuple(tags), note=note, environ=environ
        )
    except RequestError:
        raise
    except (MloError, OSError) as error:
        _sinks.warn_once(f"mlo records nothing: {error}", about="beginning")
        return own_run.Nothing()
    return own_run.Inner(repo, opened)


def flush() -> None:
    """Have the runs recorded that this process has ended, without waiting for others or its end.

    What ends within a second is recorded together. Until then a run is in its journal, safe from
    a kill of this process, and every `mlo` command that looks at runs records it first.

    Raises:
        MloError: the disk refuses.
    """
    from mlops_cli.runs import together

    together.flush()


def log_param(name: str, value: Any) -> None:
    """Record a parameter that the code chose itself."""
    log_params({name: value})


def log_params(values: Mapping[str, Any]) -> None:
    """Record parameters that the code chose itself; nested ones get dotted names.

    Each is a text, number, truth value, or a list or mapping of these.
    """
    from mlops_cli.runs.params import flatten

    flat = {}
    for name, value in flatten(_lenient.named(values, "parameters")).items():
        with _lenient.Lenient(f"parameter {name}"):
            try:
                flat[name] = _lenient.plain(value)
            except RequestError as error:
                raise RequestError(f"the parameter '{name}': {error.message}") from error
    if flat:
        _write({"params": flat})


def log_metric(
    name: str, value: float, step: int | None = None, *, timestamp: "float | datetime | None" = None
) -> None:
    """Record a number; the last one of a name is the run's result, the others its history.

    `step` says how far the training is, such as the epoch; `timestamp` when it was so, in seconds
    since 1970, if that is not now.
    """
    log_metrics({name: value}, step, timestamp=timestamp)


def log_metrics(
    values: Mapping[str, float],
    step: int | None = None,
    *,
    timestamp: "float | datetime | None" = None,
) -> None:
    """Record several numbers of the same moment."""
    told = []
    for name, value in _lenient.named(values, "metrics").items():
        try:
            number = _sinks.number(name, value)
        except RequestError as error:
            _lenient.leave_out(f"metric {name}", error.message)
            continue
        text = _quoted(number) if type(number) is str else repr(number)
        told.append(f"{_quoted(str(name))}:{text}")  # a third of the time that `json` takes
    when = None if timestamp is None else _lenient.seconds(timestamp)
    when = time.time() if when is None else when
    step = _lenient.whole(step)
    rest = "" if step is None else f',"step":{step}'
    sink = _sinks.current() if told else None
    if sink is not None:
        line = f'{{"time":{when:.6f},"metrics":{{{",".join(told)}}}{rest}}}'
        sink.append(line)


def set_tags(*tags: str, **named: object) -> None:
    """Give this run tags: words, and `name=value` for each that is given by name."""
    from mlops_cli.runs.names import check_tag

    given = []
    for tag in [*map(str, tags), *(f"{name}={value}" for name, value in named.items())]:
        with _lenient.Lenient(f"tag {tag}"):
            check_tag(tag)
            given.append(tag)
    if given:
        _write({"tags": given})


def set_note(text: str) -> None:
    """Say in words what this run is about; the last note counts."""
    _write({"note": str(text)})


def seed(number: int) -> dict[str, int]:
    """Seed the random generators of Python and of NumPy, PyTorch and TensorFlow, and record it.

    Only libraries that are imported by now are seeded; return which, with their seeds.
    `PYTHONHASHSEED` decides the order of sets and can only be set before Python starts: it is
    recorded as it is.
    """
    from mlops_cli.runs import seeds

    done = seeds.seed(number)
    told = {**done, "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "random")}
    _write({"seeds": told})
    return done


def log_figure(figure: Any, name: str) -> None:
    """Keep a figure in the record: of matplotlib or plotly, or an image of Pillow.

    It goes to the record under `name`, such as `plots/roc.png`, not into the work tree.
    """
    from mlops_cli.runs import files

    suffix = "" if "." in str(name).rpartition("/")[2] else files.default_suffix(figure)
    _keep(f"{name}{suffix}", lambda path: files.write_figure(figure, path))


def log_text(text: str, name: str) -> None:
    """Keep a text in the record under `name`."""
    data = str(text).encode("utf-8", "surrogateescape")
    _keep(name, lambda path: path.write_bytes(data))


def log_dict(value: Any, name: str) -> None:
    """Keep nested values in the record, as JSON, or YAML if `name` ends in `.yaml`."""
    from mlops_cli.runs import files

    _keep(name, lambda path: path.write_text(files.dict_text(value, path.name), "utf-8"))


def log_table(table: Any, name: str) -> None:
    """Keep a data frame, or columns by name, in the record: CSV, or JSON or Parquet by its name."""
    from mlops_cli.runs import files

    _keep(name, lambda path: files.write_table(table, path))


def autolog(*, models: bool = False) -> tuple[str, ...]:
    """Record what libraries are given and reach, from now on; return the names of those there are.

    For scikit-learn the parameters of every `fit`, its score on the data it was fitted on, and
    the results of searches; for XGBoost, LightGBM, Keras and PyTorch Lightning parameters and
    metrics as training goes on. With `models` the fitted models of scikit-learn are kept too.
    """
    from mlops_cli.autolog.install import install

    return install(keep=log_model if models else None)


def log_artifact(path: str | os.PathLike[str]) -> None:
    """Keep a file or folder of the project with the run, as it is when the run ends."""
    with _lenient.Lenient(f"path {path}"):
        _log_path(path, "output")


def log_input(path: str | os.PathLike[str]) -> None:
    """Note that the run reads this file or folder of the project."""
    with _lenient.Lenient(f"path {path}"):
        _log_path(path, "input")


def log_model(
    model: Any,
    path: str | os.PathLike[str],
    data: "pd.DataFrame | np.ndarray | str | os.PathLike[str] | None" = None,
    target: str | None = None,
    *,
    format: "Format | None" = None,  # noqa: A002
    example: bool = True,
    code: "list[str | os.PathLike[str]] | tuple[str | os.PathLike[str], ...]" = (),
) -> Path:
    """Write a model to the folder `path`, keep it with the run, and return the path.

    `data` is the table that it was fitted on, or the path of one: what the model takes is read
    off it, so that serving can check requests. `target` names the column that it predicts; that
    and columns the model did not see are left out. With `example`, three rows of a table that was
    given itself are kept; `register` takes them from a path. What the table is like in sum is
    always kept, for `mlo drift`; `mlo explain` needs its rows, which only a path leads to.

    `format` is what it is written as: without one `xgboost`, `lightgbm` or `onnx` for models of
    these, and `skops` for all others, which loads without running code. `joblib` and `pickle` need
    `--trust` to be registered. So does `python`, for any object that has `predict(frame)`: its
    module is kept with `code`, further files that it needs, and what its `save(folder)` writes,
    which its classmethod `load(folder)` reads; one that would lose what it holds is refused.

    Raises:
        RequestError: the model cannot be stored safely, or the path is outside the project.
    """
    from mlops_cli.registry import formats, profile, signature

    folder = Path(path)
    source: str | None = None
    shown = fitted_on = None
    if isinstance(data, str | os.PathLike):
        from mlops_cli.data import table

        source = _log_path(data, "input")
        data = table.read(Path(data), str(data))
    described = signature.for_model(model, data, target=target)
    if source is None and data is not None and described is not None:
        from mlops_cli.registry.example import of_data

        shown = of_data(data, described, target=target) if example else None
        fitted_on = profile.of_data(data, described, target=target)
    formats.save(
        model,
        folder,
        described,
        target=target,
        model_format=format,
        example=shown,
        profile=fitted_on,
        code=[Path(one) for one in code],
    )
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


def _write(record: dict[str, Any]) -> None:
    sink = _sinks.current()
    if sink is not None:
        sink.write(record)


def _keep(name: str, write: Callable[[Path], object]) -> None:
    """Write a file into the record; what cannot be is said once."""
    sink = _sinks.current()
    if sink is None:
        return
    try:
        with _lenient.Lenient(f"file {name}"):
            write(sink.file(str(name)))
    except OSError as error:
        _sinks.warn_once(f"mlo could not record: {(error.strerror or str(error)).lower()}")


def _log_path(path: str | os.PathLike[str], role: str, **more: str | None) -> str:
    """Note a path of the project, and return it relative to the root."""
    sink = _sinks.current()
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
    sink.write({"path": kept, "role": role, **more})
    return kept


def _nested(values: Mapping[str, Any]) -> Params:
    return Params(
        {
            name: _nested(value) if isinstance(value, Mapping) else value
            for name, value in values.items()
        }
    )
