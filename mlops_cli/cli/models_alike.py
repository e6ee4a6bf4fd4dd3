"""How alike two models are whose bytes differ: by what they predict for the same rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.pipeline.reproduction.closeness import Tolerance
    from mlops_cli.pipeline.reproduction.contents import Likeness
    from mlops_cli.pipeline.reproduction.sameness import CompareModels
    from mlops_cli.registry.formats import Predictor

_MOST_NAMED = 3


def comparer(*, trust: bool) -> "CompareModels":
    """Return what compares models; with `trust` code in their files may run."""

    def compare(
        then: Path, now: Path, tables: Sequence[Path], tolerance: "Tolerance"
    ) -> "Likeness | None":
        import warnings

        from mlops_cli.pipeline.reproduction.contents import Likeness
        from mlops_cli.registry import formats

        try:
            for path in (then, now):
                formats.describe(path)
        except RequestError:
            return None
        if not trust and any(formats.untrusted_types(path) for path in (then, now)):
            raise RequestError("loading it runs code in it: --trust compares what it predicts")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # another version of a library is told as a cause
            pair = [formats.load(path, trust=trust, where=then.name) for path in (then, now)]
            found = _alike(pair[0], pair[1], tables, tolerance)
        told = _settings(pair[0].model, pair[1].model) or _inside(then, now, tolerance)
        return Likeness(found.equal, "; ".join([found.why, *told]))

    return compare


def _alike(
    then: "Predictor", now: "Predictor", tables: Sequence[Path], tolerance: "Tolerance"
) -> "Likeness":
    from mlops_cli.pipeline.reproduction.contents import Likeness, arrays

    for path in tables:
        answers = _answers(then, path), _answers(now, path)
        if answers[0] is None or answers[1] is None:
            continue
        found = arrays(answers[0], answers[1], tolerance)
        return Likeness(found.equal, f"bytes differ, {_where(found.why)} on {path.name}")
    raise RequestError("no table that the run read fits the model, to compare predictions")


def _inside(then: Path, now: Path, tolerance: "Tolerance") -> list[str]:
    """Return what differs in the files of two models, where that can be told: those of skops."""
    from mlops_cli.pipeline.reproduction import archives, contents
    from mlops_cli.registry.model_files import skops_file

    pair = [one / skops_file.KIND.file if one.is_dir() else one for one in (then, now)]
    if not all(one.is_file() for one in pair):
        return []
    first, second = (one.read_bytes() for one in pair)
    if first == second or archives.parts(first) is None:
        return []
    return [contents.compare(pair[0].name, first, second, tolerance).why]


def _where(why: str) -> str:
    """Return what was found, as predictions are spoken of.

    >>> _where("values are equal"), _where("predictions: values apart by 0.1")
    ('predictions are equal', 'predictions: values apart by 0.1')
    """
    return why.replace("values", "predictions", 1) if why.startswith("values") else why


def _answers(model: "Predictor", path: Path) -> dict[str, Any] | None:
    """Return what a model says of the rows of a table; None when it is not for such a table."""
    from mlops_cli.data import table

    try:
        rows = table.read(path, path.name)
        found: dict[str, Any] = {"predictions": model.predict(rows)}
        probabilities = model.predict_proba(rows)
    except RequestError:
        return None
    if probabilities is not None:
        found["probabilities"] = probabilities
    return found


def _settings(then: Any, now: Any) -> list[str]:
    """Return the settings of an estimator that differ; a forest keeps its `n_jobs`, say."""
    if not (hasattr(then, "get_params") and hasattr(now, "get_params")):
        return []
    one, other = then.get_params(), now.get_params()
    found = [
        f"{name}: {one[name]!r:.20} -> {other.get(name)!r:.20}"
        for name in one
        if repr(one[name]) != repr(other.get(name))
    ]
    return found[:_MOST_NAMED]
