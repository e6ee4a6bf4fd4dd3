"""joblib: quick for large arrays. Loading it runs whatever the file says, so it needs trust."""

from pathlib import Path
from typing import Any

from mlops_cli.registry.model_files.kind import Kind, Reading, importable, needs_trust, read


def _save(model: Any, target: Path) -> None:
    """Write `model`."""
    import joblib

    joblib.dump(model, target)


def _load(how: Reading) -> Any:
    """Return the model, with trust."""
    if not how.trust:
        raise needs_trust("a joblib file", how.where, instead="save it as skops; or ")
    import joblib

    with importable(how.code):
        return read(lambda: joblib.load(how.path), how.where)


KIND = Kind(
    file="model.joblib",
    suffixes=(".joblib",),
    libraries=("joblib", "numpy", "pandas", "scikit-learn", "scipy"),
    save=_save,
    load=_load,
    runs_code=True,
)
