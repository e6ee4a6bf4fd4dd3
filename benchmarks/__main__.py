"""Measure, print tables of ratios, and exit 1 when one is over its limit."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import files, page, start
from benchmarks.drift import speed as drift_speed
from benchmarks.machine import machine
from benchmarks.measure import Row
from benchmarks.pipeline import report as pipeline
from benchmarks.serving import report as serving
from benchmarks.storage import report as storage
from benchmarks.table import table
from benchmarks.tracking import report as tracking
from benchmarks.validation import report as validation

_Measure = Callable[[argparse.Namespace], tuple[list[Row], page.Section]]
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are named on the command line, or all."""
    asked = _arguments(arguments)
    rows: list[Row] = []
    sections: dict[str, page.Section] = {}
    for name in asked.parts or PARTS:
        print(f"measuring {name} ...", file=sys.stderr)
        heading, measure = PARTS[name]
        found, sections[heading] = measure(asked)
        rows += found
        print(f"{heading}\n\n{sections[heading].over('')}")
    if asked.write:
        PAGE.write_text(page.renewed(PAGE.read_text() if PAGE.exists() else "", sections))
    return 0 if all(row.holds for row in rows) else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} too")
    of_storage = parser.add_argument_group("of storage")
    of_storage.add_argument(
        "--only",
        metavar="ROW,...",
        type=lambda text: tuple(text.split(",")),
        default=(),
        help=f"only these rows, of {', '.join(storage.NAMES)}",
    )
    of_storage.add_argument(
        "--beside",
        metavar="TOOL,...",
        type=lambda text: tuple(text.split(",")),
        default=(),
        help=f"only these tools, of {', '.join(storage.TOOLS)}",
    )
    parser.add_argument(
        "--where",
        metavar="PATH",
        type=Path,
        help="folder to measure in (default: of storage XFS in memory, else the temporary one)",
    )
    parser.add_argument("--times", metavar="N", type=int, default=3, help="medians of (3)")
    of_loop = parser.add_argument_group("of loop")
    of_loop.add_argument(
        "--elec2", metavar="PATH", type=Path, help="the CSV of OpenML data set 151, electricity"
    )
    of_loop.add_argument("--plot", metavar="PATH", type=Path, help="write a page of drawings")
    asked = parser.parse_args(arguments)
    for name in asked.parts:
        if name not in PARTS:
            parser.error(f"there is no part '{name}'; there are {', '.join(PARTS)}")
    known = {*storage.NAMES, *(name.partition(".")[0] for name in storage.NAMES)}
    for name in asked.only:
        if name not in known:
            parser.error(f"there is no row '{name}'; there are {', '.join(storage.NAMES)}")
        if asked.write and "." in name:
            whole = name.partition(".")[0]
            parser.error(f"--write takes groups of rows that are whole: --only {whole}")
    for name in asked.beside:
        if name not in storage.TOOLS:
            parser.error(f"there is no tool '{name}'; there are {', '.join(storage.TOOLS)}")
    return asked


def _plain(measure: Callable[[Path], list[Row]]) -> _Measure:
    """Return a part whose section is where it was measured, and its table."""

    def run(_: argparse.Namespace) -> tuple[list[Row], page.Section]:
        with tempfile.TemporaryDirectory(prefix="mlo-benchmark-") as folder:
            rows = measure(Path(folder))
        return rows, page.Section(f"Measured on {machine()}.\n\n{table(rows)}")

    return run


def _storage(asked: argparse.Namespace) -> tuple[list[Row], page.Section]:
    return storage.measure(
        times=asked.times, only=asked.only, beside=asked.beside, where=asked.where
    )


def _pipeline(asked: argparse.Namespace) -> tuple[list[Row], page.Section]:
    return pipeline.measure(times=asked.times, where=asked.where)


def _tracking(asked: argparse.Namespace) -> tuple[list[Row], page.Section]:
    return tracking.measure(times=asked.times, where=asked.where)


def _serving(asked: argparse.Namespace) -> tuple[list[Row], page.Section]:
    return serving.measure(times=asked.times, where=asked.where)


def _validation(asked: argparse.Namespace) -> tuple[list[Row], page.Section]:
    return validation.measure(times=asked.times, where=asked.where)


def _drift(asked: argparse.Namespace) -> tuple[list[Row], page.Section]:
    return drift_speed.measure(where=asked.where)


def _drift_errors(_: argparse.Namespace) -> tuple[list[Row], page.Section]:
    from benchmarks.drift import errors  # loads pandas, and whoever measures has to stay small

    return errors.measure()


def _loop(asked: argparse.Namespace) -> tuple[list[Row], page.Section]:
    from benchmarks.loop import report as loop  # loads what it fits models with

    return loop.measure(elec2=asked.elec2, where=asked.where, plot=asked.plot)


def _estimation(_: argparse.Namespace) -> tuple[list[Row], page.Section]:
    from benchmarks.estimation import report as estimation  # loads what it fits models with

    return estimation.measure()


def _agreement(_: argparse.Namespace) -> tuple[list[Row], page.Section]:
    from benchmarks.estimation import agreement  # loads pandas

    return agreement.measure()


PARTS: Mapping[str, tuple[str, _Measure]] = {
    "start": ("Start", _plain(start.rows)),
    "files": ("Many small files", _plain(files.rows)),
    "storage": ("Storage", _storage),
    "pipeline": ("Pipelines", _pipeline),
    "tracking": ("Tracking", _tracking),
    "serving": ("Serving", _serving),
    "validation": ("Data validation", _validation),
    "loop": ("The closed loop", _loop),
    "estimation": ("Estimated performance under concept drift", _estimation),
    "agreement": ("Agreement with other tools", _agreement),
    "drift": ("Drift: how long it takes", _drift),
    "drift-errors": ("Drift: what is said, and how often it is wrong", _drift_errors),
}


if __name__ == "__main__":
    sys.exit(main())
