"""Why a prediction is not in a segment whose name is in its id: left out, lost, or never made."""

from pathlib import Path

from mlops_cli.data.predictions import rows
from mlops_cli.data.predictions.segment import SUFFIX, Head, Segment, Tally, is_written
from mlops_cli.errors import RequestError


def why(prediction_id: str, number: int, path: Path, head: Head, tally: Tally) -> RequestError:
    """Return what to say of the prediction `number`, which was looked for in a segment.

    `tally` has the damage that was met there.
    """
    seal = rows.seal(path)
    if seal is not None and seal.closed and number >= seal.given:
        return _never_given(prediction_id, head, seal.given)
    if seal is not None and not seal.closed and not tally.blocks and not is_written(path):
        last = _last(path)
        if number > last:
            return _lost_at_the_end(prediction_id, head, last)
    return _absent(prediction_id, head, tally)


def _last(path: Path) -> int:
    """Return the highest number that is in a segment, -1 if there is none."""
    if path.suffix != SUFFIX:
        return -1
    with Segment.opened(path) as segment:
        frames = () if segment is None else segment.walk(Tally())
        return max((frame.last for frame in frames), default=-1)


def _never_given(prediction_id: str, head: Head, given: int) -> RequestError:
    last = f"the last is {head.segment}-{given - 1}" if given else "none was given out of it"
    return RequestError(
        f"no prediction was ever given the id '{prediction_id}'",
        hint=f"its segment was closed, and {last}; look where the id comes from",
    )


def _lost_at_the_end(prediction_id: str, head: Head, last: int) -> RequestError:
    source = head.source
    known = f"the last that is there is {head.segment}-{last}" if last >= 0 else "none is there"
    return RequestError(
        f"the prediction '{prediction_id}' is not in the log: it was lost, or never given out",
        hint=f"the process that answered with {source.model} v{source.version} was killed, which"
        f" loses its last moments; {known}",
    )


def _absent(prediction_id: str, head: Head, tally: Tally) -> RequestError:
    hint = (
        "answers of the last second may not be written yet;"
        " those before a crash, a full disk or an overload are lost"
    )
    if head.sample < 1:
        hint = f"serving.log.sample is {head.sample:g}: the others are answered, and not kept"
    if tally.blocks:
        hint = str(tally)
    source = head.source
    return RequestError(
        f"the prediction '{prediction_id}' was answered by {source.model} v{source.version},"
        " but its line is not in the log",
        hint=hint,
    )
