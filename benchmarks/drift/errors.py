"""How often it is said that a column drifted, where it is known whether one did."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import page
from benchmarks.drift import cases
from benchmarks.drift.peers import EVIDENTLY, SCRIPTS
from benchmarks.machine import machine
from benchmarks.measure import Row

if TYPE_CHECKING:
    import pandas as pd

    Tables = Iterable[tuple[pd.DataFrame, pd.DataFrame]]

SPLITS = 200
_MOST, _MOST_UNEVEN = 0.03, 0.05
"""The share of unchanged tables that may be flagged; the second of 10,000 rows against 100."""
_POWER = 0.9
_NOTES = """\
Tables of nine columns, drawn alike on both sides: mixed (normal, uniform, skewed, counts, with
gaps, true or false, 3 and 12 categories, categories with gaps), numbers only (heavy tails, rounded,
half zero and counts among them), categories only (2 to 20, alike and unlike in how common they
are). What is told is in what share of {splits} pairs of tables any column was said to have drifted:
by `mlo`, by Evidently {version} with its default test and bound for each column, and by the tests
of `mlo` at p < 0.05 without more. Halves are random halves of the first nine columns of the breast
cancer data. Shifted tables are normal, and one column moved by 0.3 standard deviations."""


@dataclass(frozen=True)
class Shares:
    """In what share of pairs of tables a column was flagged: by `mlo`, and by p < 0.05."""

    ours: float
    plain: float


@dataclass
class Table:
    """Rows of a table as Markdown, and whether each keeps to its limit."""

    heads: tuple[str, ...]
    lines: list[tuple[str, ...]] = field(default_factory=list)

    def __str__(self) -> str:
        drawn = [self.heads, tuple("---" for _ in self.heads), *self.lines]
        return "\n".join(f"| {' | '.join(line)} |" for line in drawn)


def measure(splits: int = SPLITS) -> tuple[list[Row], page.Section]:
    """Return rows with limits, and the section of the page."""
    theirs = _of_evidently(splits)
    rows: list[Row] = []
    groups = {
        "False alarms": str(_false_alarms(splits, theirs, rows)),
        "Power": str(_power(splits, theirs, rows)),
        "Windows, and columns together": str(_beyond(splits, rows)),
    }
    text = f"Measured on {machine()}.\n\n" + _NOTES.format(splits=splits, version=EVIDENTLY.version)
    return rows, page.Section(text, groups)


def flagged(tables: "Tables") -> Shares:
    """Return in what share of pairs of tables some column is said to have drifted."""
    from mlops_cli.monitor.drift import compare_frames
    from mlops_cli.monitor.numeric import Asked

    reports = [compare_frames(*each, asked=Asked(distances=False)) for each in tables]
    plain = [any((one.p or 1.0) < 0.05 for one in report.columns) for report in reports]
    return Shares(
        sum(report.verdict == "drift" for report in reports) / len(reports),
        sum(plain) / len(plain),
    )


def _false_alarms(splits: int, theirs: Mapping[str, float], rows: list[Row]) -> Table:
    table = Table(("table", "rows", "mlo", "at most", "", "Evidently", "p < 0.05"))
    for kind in cases.KINDS:
        for sizes in cases.SIZES:
            found = flagged(cases.unchanged(kind, sizes, splits))
            most = _MOST if sizes[0] == sizes[1] else _MOST_UNEVEN
            what = f"{sizes[0]:,} against {sizes[1]:,}"
            _line(table, rows, (kind, what), found, most, theirs.get(f"{kind} {sizes}"))
    found = flagged(cases.halves(splits))
    _line(table, rows, ("halves", "285 against 284"), found, _MOST, theirs.get("halves"))
    return table


def _line(
    table: Table,
    rows: list[Row],
    what: tuple[str, str],
    found: Shares,
    most: float,
    theirs: float | None,
) -> None:
    row = Row(", ".join(what), 100 * found.ours, "at most", 100 * most, 1.0, "%")
    rows.append(row)
    told = "" if theirs is None else _share(theirs)
    verdict = "ok" if row.holds else "MISSED"
    table.lines.append(
        (*what, _share(found.ours), _share(most), verdict, told, _share(found.plain))
    )


def _power(splits: int, theirs: Mapping[str, float], rows: list[Row]) -> Table:
    table = Table(("500 against 500, shifted", "mlo", "at least", "", "Evidently", "p < 0.05"))
    for columns in (1, 9, 30):
        found = flagged(cases.shifted(columns, 500, splits))
        what = f"one column of {columns}" if columns > 1 else "the only column"
        least = _POWER if columns < 30 else None
        limit = 100 * (1 - _POWER) if least else None
        row = Row(f"{what}, missed", 100 * (1 - found.ours), "at most", limit, 1.0, "%")
        rows.append(row)
        told = theirs.get(f"shift {columns}")
        verdict = "" if least is None else "ok" if row.holds else "MISSED"
        table.lines.append(
            (
                what,
                _share(found.ours),
                "" if least is None else _share(least),
                verdict,
                "" if told is None else _share(told),
                _share(found.plain),
            )
        )
    return table


def _beyond(splits: int, rows: list[Row]) -> Table:
    """Return how often windows, and columns together, are said to have drifted."""
    table = Table(("what", "said to have drifted", "at most", ""))
    fewer = max(1, splits // 4)
    made: list[tuple[str, Callable[[int], bool], int, float | None]] = [
        ("twelve unchanged windows of 100 rows, nine columns", _windows(100), splits, _MOST),
        ("twelve unchanged windows of 500 rows, nine columns", _windows(500), fewer, _MOST),
        ("together, unchanged, 200 against 200", _together(200, 0.0), fewer * 2, _MOST),
        ("together, unchanged, 1,000 against 1,000", _together(1000, 0.0), fewer, _MOST),
        (
            "together, two columns that correlate by 0.6 anew, 500 against 500",
            _together(500, 0.6),
            fewer,
            None,
        ),
    ]
    for what, drifted, times, most in made:
        print(f"... {what}", file=sys.stderr)
        share = sum(drifted(seed) for seed in range(times)) / times
        limit = None if most is None else 100 * most
        row = Row(what, 100 * share, "at most", limit, 1.0, "%")
        rows.append(row)
        verdict = "" if most is None else "ok" if row.holds else "MISSED"
        cell = "" if most is None else _share(most)
        table.lines.append((what, f"{_share(share)} of {times}", cell, verdict))
    return table


def _windows(size: int) -> Callable[[int], bool]:
    def drifted(seed: int) -> bool:
        import numpy as np

        from mlops_cli.monitor.over_windows import Window, compare_windows
        from mlops_cli.monitor.sources.frame import of_frame

        rng = np.random.default_rng([size, seed])
        windows = [Window(str(i), of_frame(cases.mixed(rng, size))) for i in range(12)]
        report = compare_windows(of_frame(cases.mixed(rng, 2_000)), windows)
        return report.verdict == "drift"

    return drifted


def _together(size: int, correlation: float) -> Callable[[int], bool]:
    def drifted(seed: int) -> bool:
        import numpy as np

        from mlops_cli.monitor.multivariate.check import check

        rng = np.random.default_rng([size, seed])
        reference = cases.together(rng, size)
        report = check(reference, cases.together(rng, size, correlation), seed=seed)
        return report.verdict == "drift"

    return drifted


def _of_evidently(splits: int) -> dict[str, float]:
    """Return what Evidently finds, by the names that its script gives; nothing without it."""
    folder = EVIDENTLY.folder()
    if folder is None:
        return {}
    command = [str(folder / "bin" / "python"), str(SCRIPTS / "evidently_errors_script.py")]
    done = subprocess.run([*command, str(splits)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _share(value: float) -> str:
    return f"{100 * value:.1f} %".replace(".0 %", " %")


def main() -> None:
    """Print the section, for as many splits as the first argument says."""
    splits = int(sys.argv[1]) if len(sys.argv) > 1 else SPLITS
    print(measure(splits)[1].over(""))


if __name__ == "__main__":
    main()
