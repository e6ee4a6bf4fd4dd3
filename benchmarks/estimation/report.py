"""What is estimated where the truth changes and no column does: the table, and its limits."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import page
from benchmarks.drift.errors import Table
from benchmarks.drift.peers import NANNYML
from benchmarks.estimation import cases
from benchmarks.estimation.cases import DRIFTS, LATE, Drift, Mask, Stream
from benchmarks.machine import machine
from benchmarks.measure import Row
from mlops_cli.monitor.performance import calibrated, judge
from mlops_cli.monitor.performance.look import Look
from mlops_cli.registry.evaluation.answers import Labelled

_SCRIPT = Path(__file__).with_name("scripts") / "nannyml_estimates_script.py"
_ROWS, _WINDOW, _SEEDS, _CHOICES = 3000, 500, 200, 50
_MOST = 0.03
_STEP = 20
_NOTES = """\
Streams of river of which no column moves and the truth does: 3,000 rows are held out, then 3,000 of
the old concept are asked and 3,000 of the new one, of a model fitted on 4,000 of the old. What is
told is the accuracy of the newest 500 rows: the true one; as estimated by NannyML {version} (CBPE)
and by `mlo` without labels, which go by the held-out rows and see nothing; by `mlo` where all
labels come 500 rows late, so that these rows have none; and where one row in twenty has a label,
ever (the median of {choices} choices of rows). Noticed is how many late labels of the new concept
it takes until the verdict by estimates alone is "dropped", and in what share of the choices it is,
at the end, by some 150 labels. False alarms are of {seeds} unchanged streams, 3,000 rows held out
and 3,000 asked, with late labels and with one in twenty: how often that was the verdict."""


def measure(seeds: int = _SEEDS) -> tuple[list[Row], page.Section]:
    """Return rows with limits, and the section of the page."""
    streams = {one: cases.stream(one, _ROWS) for one in DRIFTS}
    theirs = _of_nannyml(streams)
    table = Table(
        ("stream", "before", "true", "NannyML", "no labels", "late labels", "1 in 20",
         "noticed", "1 in 20 noticed", "false alarms", "at most", "")
    )  # fmt: skip
    rows: list[Row] = []
    alarms: dict[tuple[str, int], tuple[float, float]] = {}
    for drift, stream in streams.items():
        print(f"... {drift.name}", file=sys.stderr)
        concept = drift.kind, drift.before
        if concept not in alarms:
            alarms[concept] = false_alarms(drift, seeds)
        row = Row(drift.name, 100 * max(alarms[concept]), "at most", 100 * _MOST, 1.0, "%")
        rows.append(row)
        told = theirs.get(drift.name)
        none, late, few = estimated(stream)
        found = [one for one, _ in few]
        noticed = sum(drops for _, drops in few) / len(few)
        rows.append(Row(f"{drift.name}: off", abs(late - _newest(stream)), "", 0.05, 1.0, ""))
        table.lines.append((
            drift.name,
            f"{_right(stream.old):.2f}",
            f"{_newest(stream):.2f}",
            "" if told is None else f"{told:.2f}",
            f"{none:.2f}",
            f"{late:.2f}",
            f"{median(found):.2f}",
            f"{noticed_after(stream)} labels",
            f"{100 * noticed:.0f} %",
            ", ".join(f"{100 * one:.1f} %" for one in alarms[concept]),
            f"{100 * _MOST:.0f} %",
            "ok" if row.holds else "MISSED",
        ))  # fmt: skip
    text = _NOTES.format(version=NANNYML.version, seeds=seeds, choices=_CHOICES)
    return rows, page.Section(f"Measured on {machine()}.\n\n{text}\n\n{table}")


def estimated(
    stream: Stream, choices: int = _CHOICES
) -> tuple[float, float, list[tuple[float, bool]]]:
    """Return the accuracy estimated of the newest rows: by no labels, by late ones, and by few.

    Of the few labels it is told for each choice, and whether the verdict is that it dropped.
    """
    live = stream.live
    none, late = (_seen(stream, one) for one in (cases.none(live.rows), cases.late(live.rows)))
    few = [_seen(stream, cases.few(live.rows, seed)) for seed in range(choices)]
    each = [(_accuracy(one), judge.judge(one, realized=False).verdict == "dropped") for one in few]
    return _accuracy(none), _accuracy(late), each


def _seen(stream: Stream, labelled: Mask) -> Look:
    return cases.seen(stream.held, stream.live, labelled, _WINDOW)


def _accuracy(seen: Look) -> float:
    rows = len(seen.found.asked)
    assert seen.estimator.of is not None
    return seen.estimator.of(rows - LATE, rows)["accuracy"].value


def noticed_after(stream: Stream) -> int | None:
    """Return how many late labels of the new concept are there when estimates say that it dropped.

    None if they never do.
    """
    old = stream.old.rows
    counts = range(_STEP, stream.new.rows - LATE, _STEP)
    return next((count for count in counts if _drops(stream, old + count)), None)


def _drops(stream: Stream, known: int) -> bool:
    """Return whether it is seen when the labels of so many rows have come."""
    live = calibrated.rows(stream.live, slice(0, known + LATE))
    return dropped(stream.held, live, cases.late(live.rows))


def dropped(held: Labelled, live: Labelled, labelled: Mask) -> bool:
    """Return whether the verdict by estimates alone is that performance has dropped."""
    seen = cases.seen(held, live, labelled, _WINDOW)
    return judge.judge(seen, realized=False).verdict == "dropped"


def false_alarms(drift: Drift, seeds: int) -> tuple[float, float]:
    """Return in what share of unchanged streams it is said to have dropped, late labels and few."""
    late = few = 0
    for seed, (held, live) in enumerate(cases.unchanged(drift, _ROWS, _ROWS, seeds)):
        late += dropped(held, live, cases.late(live.rows))
        few += dropped(held, live, cases.few(live.rows, seed))
    return late / seeds, few / seeds


def _newest(stream: Stream) -> float:
    return _right(calibrated.rows(stream.new, slice(stream.new.rows - LATE, None)))


def _right(answers: Labelled) -> float:
    return float((answers.truth == answers.predicted).mean())


def _of_nannyml(streams: dict[Drift, Stream]) -> dict[str, float]:
    """Return what NannyML estimates of the newest rows; nothing without it."""
    folder = NANNYML.folder()
    if folder is None:
        return {}
    asked = {
        drift.name: (_columns(one.held), _columns(calibrated.rows(one.new, slice(-LATE, None))))
        for drift, one in streams.items()
    }
    command = [str(folder / "bin" / "python"), str(_SCRIPT)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, input=json.dumps(asked)
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _columns(answers: Labelled) -> dict[str, list[Any]]:
    assert answers.shares is not None
    return {
        "share": answers.shares[:, 1].tolist(),
        "said": answers.predicted.tolist(),
        "truth": answers.truth.tolist(),
    }
