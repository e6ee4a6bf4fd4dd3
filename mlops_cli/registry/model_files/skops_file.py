"""skops, the default: loading builds known types and runs no code but theirs."""

from pathlib import Path
from typing import Any

from mlops_cli.core.files import write_whole
from mlops_cli.errors import RequestError
from mlops_cli.registry.model_files.kind import Kind, Reading, first_line, importable, read


def _save(model: Any, target: Path) -> None:
    """Write `model`; equal models give equal bytes."""
    from mlops_cli.registry import skops_bytes

    write_whole(target, skops_bytes.dump(model), durable=False)


def _untrusted(path: Path, where: str) -> tuple[str, ...]:
    """Return the types that nobody is known to have vouched for."""
    return _types(_data(path, where), where)[0]


def _load(how: Reading) -> Any:
    """Return the model; types that are not known to be harmless only with trust."""
    data = _data(how.path, how.where)
    unknown, sound = _types(data, how.where)
    if unknown and not how.trust:
        raise RequestError(
            f"'{how.where}' holds types that nobody vouched for: {', '.join(unknown)}",
            hint="say --trust if you know who made it",
        )
    import skops.io

    with importable(how.code if how.trust else None):
        return read(lambda: skops.io.loads(data, trusted=[*unknown, *sound]), how.where)


def _data(path: Path, where: str) -> bytes:
    from mlops_cli.registry import skops_zip

    return skops_zip.bounded(path.read_bytes(), where=where)


def _types(data: bytes, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types that need trust, and those that skops doubts but were looked into."""
    import skops.io

    try:
        doubted = skops.io.get_untrusted_types(data=data)
    except Exception as error:
        raise RequestError(
            f"'{where}' is not a whole skops file: {first_line(error)}",
            hint="save the model again",
        ) from error
    if not doubted:
        return (), ()
    from mlops_cli.registry import skops_trees

    sound = skops_trees.sound_types(data)
    return tuple([name for name in doubted if name not in sound]), tuple(sorted(sound))


KIND = Kind(
    file="model.skops",
    suffixes=(".skops",),
    libraries=("joblib", "numpy", "pandas", "scikit-learn", "scipy", "skops"),
    save=_save,
    load=_load,
    untrusted=_untrusted,
)
