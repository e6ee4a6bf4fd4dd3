"""The rows of the closed loop, and what has to be known to read them."""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page
from benchmarks.loop import arms, drawing, replay
from benchmarks.loop.arms import Arm
from benchmarks.loop.streams import Stream, last_label, streams
from benchmarks.machine import machine
from benchmarks.measure import Row
from benchmarks.table import table

_CLEARLY = 0.97
"""At most so many of the errors of the frozen model the loop may make."""
_NOTES = """\
Each stream is replayed in order through a real `mlo serve`: a block of rows is asked by HTTP, what
was true of them is told by `/feedback`, and then `mlo retrain --if-needed` looks, with its settings
as they are but for the limit on a day and the time between two, since years pass in a minute here.
Retraining runs the project's pipeline in a work tree aside, registers, compares on the newest rows,
and promotes; the server follows. What is compared is the share of wrong answers over all rows that
were asked. Frozen is a model of all the first rows, for ever; the first of the loop leaves a fifth
of them for its evaluation. A schedule fits the same model anew after equal numbers of rows, exactly
as often as the loop ran its pipeline, those that were not better included, and on four choices of
rows: since its last training, all, the newest 2,000, the newest 5,000. The best of the four, which
nobody could know before, is what the loop is held against. All arms fit the same small boosted
trees. Brought back: how often a version that was made before took the stage again; it is compared,
and promoted, but nothing is trained. Where there is no drift nothing may be retrained. On STAGGER a
new process, `mlo monitor --once`, makes each look, and each new version is a canary for half the
requests before it is promoted; elsewhere the look is a call, as a process takes longer to start
than all else."""


@dataclass(frozen=True)
class Measured:
    """A stream with its arms: the loop, the frozen model, and schedules as often as the loop."""

    stream: Stream
    loop: Arm
    frozen: Arm
    schedules: Sequence[Arm]
    seconds: float
    brought_back: int = 0

    @property
    def best(self) -> Arm | None:
        """The schedule that did best; None where nothing was retrained."""
        return max(self.schedules, key=lambda one: one.accuracy, default=None)


def measure(
    *, elec2: Path | None, where: Path | None, plot: Path | None = None
) -> tuple[list[Row], page.Section]:
    """Measure all streams, and return the rows and their section."""
    found, missing = [], []
    with tempfile.TemporaryDirectory(prefix="mlo-benchmark-", dir=where) as folder:
        for stream in streams(elec2):
            if isinstance(stream, str):
                missing.append(stream)
                continue
            found.append(of(stream, Path(folder)))
    rows = [row for one in found for row in rows_of(one)]
    if plot is not None:
        plot.write_text(drawing.page([(one.stream, _drawn(one)) for one in found], machine()))
    return rows, _section(found, rows, missing)


def of(stream: Stream, folder: Path) -> Measured:
    """Measure one stream."""
    print(f"  {stream.name}: {len(stream.live):,} rows", file=sys.stderr)
    began = time.monotonic()
    replayed = replay.loop(stream, folder / stream.name.replace(" ", "-"))
    seconds, loop = time.monotonic() - began, replayed.arm
    others = arms.schedules(stream, len(loop.trained)) if loop.trained else []
    frozen = arms.frozen(stream)
    found = Measured(stream, loop, frozen, others, seconds, replayed.brought_back)
    print(f"    {' '.join(_line(found)[2:])}, {seconds:.0f} s", file=sys.stderr)
    return found


def rows_of(one: Measured) -> list[Row]:
    """Return what must hold of a stream: fewer errors than frozen, and than by the calendar."""
    name, ours = one.stream.name, _errors(one.loop)
    if not one.stream.drifts:
        return [Row(f"{name}: retrainings", float(len(one.loop.trained)), "one", 1.0, 0.0, "")]
    rows = [Row(f"{name}: errors", ours, "frozen", _errors(one.frozen), _CLEARLY, "%")]
    if one.best is not None:
        told = f"{len(one.best.trained)} times, {one.best.name}"
        rows.append(Row(f"{name}: errors", ours, told, _errors(one.best), 1.0, "%"))
    return rows


def _errors(arm: Arm) -> float:
    return 100 * (1 - arm.accuracy)


def _section(
    found: Sequence[Measured], rows: Sequence[Row], missing: Sequence[str]
) -> page.Section:
    left = [f"Not measured: {one}." for one in missing]
    text = "\n\n".join(
        [f"Measured on {machine()}.", table(rows), _accuracies(found), *left, _NOTES]
    )
    drawn = "\n\n".join(_drawing(one) for one in found)
    told = "Accuracy over the rows, each on its own scale; `^` where the loop trained.\n\n"
    return page.Section(text, {"Accuracy over time": told + drawn})


def _accuracies(found: Sequence[Measured]) -> str:
    """Return all arms of all streams, as a Markdown table."""
    head = [
        "stream",
        "rows",
        "frozen",
        "loop",
        "trained",
        "brought back",
        *_names(found),
        "last label",
    ]
    lines = [head, ["---"] * len(head), *(_line(one) for one in found)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _names(found: Sequence[Measured]) -> list[str]:
    return next(([arm.name for arm in one.schedules] for one in found if one.schedules), [])


def _line(one: Measured) -> list[str]:
    each = [f"{arm.accuracy:.3f}" for arm in one.schedules] or [""] * len(arms.WINDOWS)
    return [
        one.stream.name,
        f"{len(one.stream.live):,}",
        f"{one.frozen.accuracy:.3f}",
        f"{one.loop.accuracy:.3f}",
        f"{len(one.loop.trained)}",
        f"{one.brought_back}",
        *each,
        f"{last_label(one.stream.live):.3f}",
    ]


def _drawn(one: Measured) -> list[Arm]:
    return [one.loop, one.frozen, *([one.best] if one.best else [])]


def _drawing(one: Measured) -> str:
    return f"{one.stream.name}: {one.stream.about}\n\n```text\n{drawing.text(_drawn(one))}\n```"
