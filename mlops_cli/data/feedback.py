"""What turned out to be true of predictions, told by their ids, later or at once.

Labels are kept beside the segments of the prediction log, so they are joined without a search. The
same id again replaces what was said before. Which ids nobody knows is told, never swallowed.
"""

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from mlops_cli.core.records import dataclass
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions import lines, rows
from mlops_cli.data.predictions.labels import Labels, Said
from mlops_cli.data.predictions.plausible import Plausible, parted
from mlops_cli.data.predictions.segment import (
    SUFFIX,
    DamagedHead,
    Frame,
    Segment,
    Tally,
    is_written,
)
from mlops_cli.errors import RequestError

MOST_TOLD = 20
"""So many of the ids that are not known are told one by one."""
AHEAD_US = 24 * 3600 * 1_000_000
"""Labels of a moment so far ahead are of none that there was; clocks differ by less."""
_MOST_OPEN = 64
_MOST_BYTES = 64 * 1024
_IN_FLIGHT = 100_000
"""So far beyond what is written an id may be whose prediction is on its way to the disk."""


@dataclass(frozen=True, slots=True)
class Label:
    """What turned out to be true of one prediction: any JSON value but null, and when.

    `time_us` is in microseconds since 1970.
    """

    id: str
    value: Any
    time_us: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of labels, in numbers: new, replacing others, the same as known, and not kept.

    Attributes:
        unknown: ids that no prediction here has.
        unlogged: ids of predictions that were answered and are not in the log, as those that
            the sample leaves out, or those of a segment whose head is damaged.
        strange: labels of classes that the model does not have; they are among those kept.
        unusable: labels that cannot count and were not kept: no finite number where the model
            answers numbers, or a class that it does not have in place of one that it has.
        examples: the first ids of what is not kept.
    """

    new: int = 0
    replaced: int = 0
    same: int = 0
    unknown: int = 0
    unlogged: int = 0
    strange: int = 0
    unusable: int = 0
    examples: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """How many labels are known now."""
        return self.new + self.replaced + self.same

    def plus(self, other: "Recorded") -> "Recorded":
        """Return the sum of two."""
        return Recorded(
            new=self.new + other.new,
            replaced=self.replaced + other.replaced,
            same=self.same + other.same,
            unknown=self.unknown + other.unknown,
            unlogged=self.unlogged + other.unlogged,
            strange=self.strange + other.strange,
            unusable=self.unusable + other.unusable,
            examples=(*self.examples, *other.examples)[:MOST_TOLD],
        )


class Feedback:
    """The labels below one folder of a prediction log. Used by one thread at a time.

    It remembers the segments that labels were for last, so a label alone costs little.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._paths: dict[str, Path] | None = None

    def record(
        self, labels: Iterable[Label], *, durable: bool = True, text: bool = False
    ) -> Recorded:
        """Keep labels, and say what became of them; of several for one id the last counts.

        A label may come before its prediction is written. With `durable` all are on the disk when
        this returns; without, a power cut may cost them. With `text` labels are from a file that
        knows only text: they become the class that is written so, or a number.

        Raises:
            RequestError: a label is null, too large, or no JSON; then none is kept.
            ExternalError: the disk refuses; then those of some segments may be kept, and giving
                all of them once more is harmless.
        """
        by_segment: dict[str, dict[int, Said]] = {}
        missing: list[str] = []
        for label in labels:
            _check(label)
            if not prediction_log.is_prediction_id(label.id):
                missing.append(label.id)
                continue
            segment, number = prediction_log.parted(label.id)
            by_segment.setdefault(segment, {})[number] = label.value, label.time_us
        new = replaced = kept = strange = 0
        unlogged: list[str] = []
        unusable: list[str] = []
        self._paths = None
        for segment, said in by_segment.items():
            known = self._of(segment)
            if known is None:
                missing += [f"{segment}-{number}" for number in said]
                continue
            try:
                there, gone, beyond = known.sorted(known.meant(said) if text else said)
                there, useless, odd = known.parted(there)
            except DamagedHead:
                there, gone, beyond, useless, odd = {}, list(said), [], [], 0
            missing += [f"{segment}-{number}" for number in beyond]
            unlogged += [f"{segment}-{number}" for number in gone]
            unusable += [f"{segment}-{number}" for number in useless]
            strange += odd
            added = known.labels.add(there, durable=durable) if there else (0, 0)
            kept += len(there)
            new, replaced = new + added[0], replaced + added[1]
        return Recorded(
            new=new,
            replaced=replaced,
            same=kept - new - replaced,
            unknown=len(missing),
            unlogged=len(unlogged),
            strange=strange,
            unusable=len(unusable),
            examples=tuple([one[:80] for one in [*missing, *unlogged, *unusable][:MOST_TOLD]]),
        )

    def early(self, labels: Iterable[Label]) -> list[Label]:
        """Return the labels of which no segment is here, as just after its first answer.

        Raises:
            RequestError: as of `record`.
        """
        self._paths = None
        found = []
        for label in labels:
            _check(label)
            known = prediction_log.is_prediction_id(label.id)
            if known and self._of(prediction_log.parted(label.id)[0]) is None:
                found.append(label)
        return found

    def _of(self, segment: str) -> "_Known | None":
        known = self._known.pop(segment, None)
        if known is None or not known.path.exists():
            if self._paths is None:
                self._paths = prediction_log.segment_files(self._folder)
            path = self._paths.get(segment)
            if path is None:
                return None
            known = _Known(path)
        self._known[segment] = known
        while len(self._known) > _MOST_OPEN:
            self._known.popitem(last=False)
        return known


class _Known:
    """A segment, and which numbers are in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.labels = Labels(path)
        self._plausible = Plausible(path)
        self._frames: list[Frame] = []
        self._stamp: tuple[int, int] | None = None
        self._numbers: dict[int, frozenset[int]] = {}

    def meant(self, said: dict[int, Said]) -> dict[int, Said]:
        """Return labels that were text as the classes of the model, or as numbers."""
        classes = self._plausible.classes
        return {number: (_meant(value, classes), at) for number, (value, at) in said.items()}

    def parted(self, said: dict[int, Said]) -> tuple[dict[int, Said], list[int], int]:
        """Return the labels to keep, those that cannot count, and how many kept are strange."""
        known = self.labels.by_number if not said else self.labels.refresh().by_number
        return parted(said, known, self._plausible)

    def sorted(self, said: dict[int, Said]) -> tuple[dict[int, Said], list[int], list[int]]:
        """Return the labels of what is in the log, or on its way, and the numbers of the others.

        First those that were left out of the log, then those that nobody was told.
        """
        written = is_written(self.path)  # asked first: what was written until then is seen below
        self._refresh()
        last = max(self._given() - 1, *(frame.last for frame in self._frames), -1)
        there: dict[int, Said] = {}
        gone: list[int] = []
        beyond: list[int] = []
        for number, one in said.items():
            if number > last:
                on_its_way = written and number <= last + _IN_FLIGHT
                if on_its_way:
                    there[number] = one
                else:
                    beyond.append(number)
            elif self._has(number):
                there[number] = one
            else:
                gone.append(number)
        return there, gone, beyond

    def _given(self) -> int:
        """Return below what number all were given out, as far as the segment says so."""
        seal = rows.seal(self.path)
        return 0 if seal is None or not seal.closed else seal.given

    def _refresh(self) -> None:
        found = self.path.stat()
        if self._stamp is not None and self._stamp == (found.st_ino, found.st_size):
            return
        if self.path.suffix == lines.SUFFIX:
            numbers = [int(row[0]) for part in lines.parts(self.path) for row in part]
            self._numbers = {0: frozenset(numbers)}
            self._frames = [_all_of(numbers)] if numbers else []
        else:
            self._read_frames(fresh=self._stamp is None or self._stamp[0] != found.st_ino)
        self._stamp = found.st_ino, found.st_size

    def _read_frames(self, *, fresh: bool) -> None:
        if fresh:
            self._frames, self._numbers = [], {}
        with Segment.opened(self.path) as segment:
            if segment is not None:
                start = self._frames[-1].end if self._frames else 0
                self._frames += segment.frames(Tally(), start=start)

    def _has(self, number: int) -> bool:
        for frame in self._frames:
            if frame.first <= number <= frame.last:
                whole = frame.rows == frame.last - frame.first + 1
                return whole or number in self._numbers_of(frame)
        return False

    def _numbers_of(self, frame: Frame) -> frozenset[int]:
        found = self._numbers.get(frame.offset)
        if found is None and self.path.suffix == SUFFIX:
            with Segment.opened(self.path) as segment:
                part = None if segment is None else rows.read(segment, frame, Tally())
            found = frozenset(() if part is None else part.numbers.tolist())
            self._numbers[frame.offset] = found
        return found or frozenset()


def _meant(value: Any, classes: tuple[Any, ...] | None) -> Any:
    """Return what a text says: the class that is written so, or a number where there are none.

    >>> _meant("1", (0, 1)), _meant("1.0", (0, 1)), _meant("true", (False, True)), _meant("2", None)
    (1, 1, True, 2)
    """
    if type(value) is not str:
        return value
    known = {str(one): one for one in classes or ()}
    if value in known or value.capitalize() in known:
        return known.get(value, known.get(value.capitalize()))
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        same = [one for one in classes or () if type(one) is not str and one == number]
        return same[0] if same else (value if classes else number)
    return value


def _all_of(numbers: list[int]) -> Frame:
    """Return all lines of a segment of format 1 as if they were one frame."""
    return Frame(
        offset=0, packed=False, stored=0, length=0, rows=len(numbers),
        first=min(numbers), last=max(numbers), oldest_us=0, newest_us=0, crc=0,
    )  # fmt: skip


def _check(label: Label) -> None:
    """Refuse what cannot be a label."""
    try:
        size = 0 if label.value is None else len(orjson.dumps(label.value))
    except TypeError as error:
        raise RequestError(f"the label of '{label.id[:80]}' is no JSON value") from error
    if not size or size > _MOST_BYTES:
        what = f"has {size} bytes, more than {_MOST_BYTES}" if size else "is null"
        raise RequestError(f"the label of '{label.id[:80]}' {what}")
    if not 0 <= label.time_us < 2**62:
        raise RequestError(f"the label of '{label.id[:80]}' is of no moment that there is")
