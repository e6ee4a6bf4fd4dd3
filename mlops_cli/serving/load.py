"""A version of a model as something that answers requests: its compiled form, or the original."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlops_cli.core.clock import now
from mlops_cli.core.repository import Repository
from mlops_cli.data.prediction_log import Source
from mlops_cli.errors import MissingObject, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Signature
from mlops_cli.serving.live import Answers, Live
from mlops_cli.serving.validate import Validator

if TYPE_CHECKING:
    from mlops_cli.registry.formats import Predictor

Runtime = Literal["auto", "native"]
_Said = tuple[list[Any], list[list[float]] | None]
_Answer = Callable[[Sequence[Sequence[Any]]], _Said]


def check(runtime: str) -> Runtime:
    """Return a runtime that somebody asked for.

    Raises:
        RequestError: there is none of this name.
    """
    if runtime == "auto":
        return "auto"
    if runtime == "native":
        return "native"
    raise RequestError(f"there is no runtime '{runtime}'", hint="--runtime auto, or native")


def of_version(
    repo: Repository,
    version: Version,
    *,
    reference: str,
    runtime: Runtime = "auto",
    max_rows: int,
) -> Live:
    """Return a version as something that answers requests of up to `max_rows` rows.

    Its compiled form answers where it has one, and then neither scikit-learn nor pandas is
    imported; with the runtime `native` it is always the original.

    Raises:
        RequestError: its inputs are not known, so that nothing could be checked.
        MloError: it cannot be loaded.
    """
    compiled = _compiled(repo, version) if runtime == "auto" else None
    if compiled is not None and version.signature is not None:
        answer, classes = compiled
        names = version.signature.names
        source = Source(version.model, version.number, version.id, names, classes)
        return _live(reference, version.signature, source, answer, max_rows)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when scikit-learn is imported
    return live(
        models.load(repo, version),
        reference=reference,
        model=version.model,
        version=version.number,
        version_id=version.id,
        max_rows=max_rows,
    )


def _compiled(repo: Repository, version: Version) -> tuple[_Answer, tuple[Any, ...] | None] | None:
    """Return what answers with the compiled form, and the classes; None where it is not here."""
    if version.compiled is None:
        return None
    from mlops_cli.registry.compiled import session

    try:
        data = repo.objects.get(version.compiled)
    except MissingObject:
        return None  # the original says the same
    held = session.load(data, where=f"{version.model} v{version.number}")
    shares = held.layout.output == "shares"
    return held.answer(), held.layout.classes if shares else None


def live(
    predictor: "Predictor",
    *,
    reference: str,
    model: str,
    version: int,
    version_id: str,
    max_rows: int,
) -> Live:
    """Return a loaded model as something that answers requests of up to `max_rows` rows.

    Raises:
        RequestError: its inputs are not known, so that nothing could be checked.
    """
    from mlops_cli.registry.native.answering import answering

    signature = predictor.signature
    if signature is None or not signature.columns:
        raise RequestError(
            f"'{reference}' cannot be served: nobody recorded what its inputs are",
            hint=f"register it with its training data, for example: mlo register {model} --run RUN",
        )
    _stay_single()
    classes = predictor.classes if predictor.has_probabilities else None
    source = Source(model, version, version_id, signature.names, classes)
    return _live(reference, signature, source, answering(predictor), max_rows)


def _stay_single() -> None:
    """Keep this thread from starting others by OpenMP, which a process forked later would lack.

    It would wait for them for ever. A row is answered several times as fast without, too.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="openmp")


def _live(
    reference: str, signature: Signature, source: Source, answer: _Answer, max_rows: int
) -> Live:
    return Live(
        reference=reference,
        model=source.model,
        version=source.version,
        version_id=source.version_id,
        signature=signature,
        classes=source.classes,
        validator=Validator(signature, max_rows=max_rows),
        answer=lambda columns: Answers(*answer(columns)),
        source=source,
        since=now(),
    )
