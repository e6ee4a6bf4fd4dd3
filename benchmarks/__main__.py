"""Measure, print a table of ratios, and exit 1 when one is over its limit."""

import argparse
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks import files, start
from benchmarks.measure import Row

PARTS = {"start": start.rows, "files": files.rows}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> int:
    """Run the parts that are named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} too")
    asked = parser.parse_args()
    for name in asked.parts:
        if name not in PARTS:
            parser.error(f"there is no part '{name}'; there are {', '.join(PARTS)}")
    rows: list[Row] = []
    for name in asked.parts or PARTS:
        print(f"measuring {name} ...", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="mlo-benchmark-") as folder:
            rows += PARTS[name](Path(folder))
    table = _table(rows)
    print(f"{machine()}\n\n{table}")
    if asked.write:
        PAGE.write_text(_page(table))
    return 0 if all(row.holds for row in rows) else 1


def machine() -> str:
    """Return what the figures were measured on."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{platform.system()} {platform.release()}, {platform.machine()}, {cores} cores, "
        f"Python {platform.python_version()}, typer {version('typer')}, mlo {version('mlo')}"
    )


def _table(rows: list[Row]) -> str:
    head = ("what", "mlo", "against", "takes", "ratio", "limit", "")
    cells = [
        (
            row.what,
            _amount(row.ours, row.unit),
            row.against,
            _amount(row.theirs, row.unit),
            f"{row.ratio:.2f}",
            f"{row.limit:.2f}",
            "ok" if row.holds else "OVER",
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(head))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in [head, *cells]
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def _amount(value: float, unit: str) -> str:
    return f"{value:.3f} s" if unit == "s" else f"{value:.0f} {unit}"


def _page(table: str) -> str:
    return (
        "# Benchmarks\n\n"
        "Written by `python -m benchmarks --write`. Each row is a ratio of medians taken in one\n"
        "run on one machine; `ok` means that `mlo` took at most `limit` times what it is held\n"
        f"against.\n\nMeasured on {machine()}.\n\n{table}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
