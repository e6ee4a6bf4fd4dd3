"""pickle. Loading it runs whatever the file says, so it needs trust."""

from pathlib import Path
from typing import Any

from mlops_cli.registry.model_files.kind import Kind, Reading, importable, needs_trust, read


def _save(model: Any, target: Path) -> None:
    """Write `model`."""
    import pickle

    target.write_bytes(pickle.dumps(model))


def _load(how: Reading) -> Any:
    """Return the model, with trust."""
    if not how.trust:
        raise needs_trust("a pickle file", how.where, instead="save it as skops; or ")
    import pickle

    with importable(how.code):
        return read(lambda: pickle.loads(how.path.read_bytes()), how.where)


KIND = Kind(
    file="model.pkl",
    suffixes=(".pkl", ".pickle"),
    libraries=("numpy", "pandas", "scikit-learn", "scipy"),
    save=_save,
    load=_load,
    runs_code=True,
)
