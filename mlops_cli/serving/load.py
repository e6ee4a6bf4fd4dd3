"""A loaded model as something that answers requests."""

from collections.abc import Sequence
from typing import Any

from mlops_cli.core.clock import now
from mlops_cli.data.prediction_log import Source
from mlops_cli.errors import RequestError
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.frame import compile_frame
from mlops_cli.serving.live import Answers, Live
from mlops_cli.serving.validate import Validator


def live(
    predictor: Predictor,
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
    signature = predictor.signature
    if signature is None or not signature.columns:
        raise RequestError(
            f"'{reference}' cannot be served: nobody recorded what its inputs are",
            hint=f"register it with its training data, for example: mlo register {model} --run RUN",
        )
    build = compile_frame(signature)

    def answer(columns: Sequence[Sequence[Any]]) -> Answers:
        frame = build(columns)
        shares = predictor.predict_proba(frame)
        return Answers(
            predictor.predict(frame).tolist(), None if shares is None else shares.tolist()
        )

    return Live(
        reference=reference,
        model=model,
        version=version,
        version_id=version_id,
        signature=signature,
        classes=predictor.classes if predictor.has_probabilities else None,
        validator=Validator(signature, max_rows=max_rows),
        answer=answer,
        source=Source(
            model,
            version,
            version_id,
            signature.names,
            predictor.classes if predictor.has_probabilities else None,
        ),
        since=now(),
    )
