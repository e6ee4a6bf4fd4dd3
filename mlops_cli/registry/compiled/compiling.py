"""Compiling a model on its way into the registry: the file, or in plain words why there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core.objects import Kind
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.registry.compiled.graph import NotCompiledError
from mlops_cli.registry.formats import Predictor

if TYPE_CHECKING:
    import pandas

NOT_ASKED = "compiling was not asked for"
MOST_DATA_BYTES = 256 << 20
"""Of a larger training table no rows are read again; the signature says what is usual."""


@dataclass(frozen=True, slots=True)
class Made:
    """An ONNX file that agrees with its original."""

    data: bytes
    rows: int
    """On so many rows they were compared."""
    tolerance: float
    worst: float
    """So far their numbers differed at most."""


def compile_model(
    predictor: Predictor, data: "pandas.DataFrame | None", *, progress: Progress = SILENT
) -> Made:
    """Return a model as ONNX, once it has said the same as the original on over 10,000 rows.

    `data` is the table it was fitted on, as far as there is one. Equal models give equal bytes.

    Raises:
        NotCompiledError: it has no compiled form, or it does not agree.
    """
    from mlops_cli.registry.compiled import agreement, boosters, probes, session
    from mlops_cli.registry.compiled.convert import convert

    signature = predictor.signature
    if signature is None or not signature.columns:
        raise NotCompiledError("its inputs are not known")
    compiled = convert(predictor.model, signature, predictor.classes)
    try:
        held = session.load(compiled.data, where="the model")
    except Exception as error:
        raise NotCompiledError("onnxruntime does not take its compiled form") from error
    single = boosters.is_single(predictor.model)
    tolerance = boosters.SINGLE_TOLERANCE if single else agreement.TOLERANCE
    with _quietly():
        rows = probes.make(predictor.model, signature, data)
        found = agreement.compare(predictor, held, rows, progress, tolerance=tolerance)
    return Made(compiled.data, found.rows, tolerance, found.worst)


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence warnings about numbers at the ends, and threads that would wait for each other."""
    import warnings

    import numpy as np
    from threadpoolctl import threadpool_limits

    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        threadpool_limits(limits=1, user_api="openmp"),
    ):
        warnings.simplefilter("ignore")
        yield


def runtime(
    repo: Repository,
    predictor: Predictor,
    data: "pandas.DataFrame | None",
    *,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Compile a model, file what came of it, and return what a version's record says of it."""
    try:
        made = compile_model(predictor, data, progress=progress)
    except NotCompiledError as error:
        return native(str(error))
    except Exception as error:  # noqa: BLE001  whatever a model does, it can be registered
        return native(f"compiling it failed: {type(error).__name__}")
    with repo.objects.writer() as writer:
        oid = writer.put(made.data, Kind.BLOB)
    told = {key: value for key, value in asdict(made).items() if key != "data"}
    return {"kind": "onnx", "artifact": oid, **told}


def native(why: str) -> dict[str, Any]:
    """Return what the record says of a version that has no compiled form."""
    return {"kind": "native", "why": why}
