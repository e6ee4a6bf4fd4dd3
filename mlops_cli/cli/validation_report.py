"""What `mlo validate` prints."""

from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.markdown import grid
from mlops_cli.page.markdown import code, escaped

if TYPE_CHECKING:
    from mlops_cli.data.validation.report import Example, Failure, ValidationReport


def tell(reports: "list[ValidationReport]") -> None:
    """Print each table with what fails, and the first rows that do."""
    for report in reports:
        mark = show.style("passes", "green") if report.holds else show.style("fails", "red")
        show.line(f"{report.table}  {mark} {report.schema}: {summary(report)}", rest="  ")
        for failure in report.failures:
            colour = "red" if failure.severity == "error" else "yellow"
            subject = f"{failure.column} " if failure.column else ""
            said = show.style(f"{failure.severity:<5}", colour)
            show.line(f"  {said}  {subject}{failure.problem}", rest=" " * 9)
            for example in failure.examples:
                show.line(f"         {where(example)}: {cells(example)}", rest=" " * 11)


def summary(report: "ValidationReport") -> str:
    """Return how large a table is, and how many of its checks fail."""
    size = f"{show.number(report.rows, 'row')}, {show.number(report.columns, 'column')}"
    checks = show.number(report.checks, "check")
    warnings = len(report.failures) - len(report.errors)
    told = [size, checks]
    if report.errors:
        told.append(f"{len(report.errors):,} failed")
    if warnings:
        told.append(show.number(warnings, "warning"))
    return ", ".join(told)


def where(example: "Example") -> str:
    """Return where a row is."""
    place = f"row {example.row:,}" if example.line is None else f"line {example.line:,}"
    return place if example.file is None else f"{example.file} {place}"


def cells(example: "Example") -> str:
    """Return the cells of a row that matter."""
    return ", ".join(
        f"{name} is missing" if value is None else f"{name} = {value}"
        for name, value in example.values.items()
    )


def markdown(reports: "list[ValidationReport]") -> None:
    """Print Markdown for a comment on a pull request."""
    failed = sum(not report.holds for report in reports)
    verdict = f"{failed} of {len(reports)} failed" if failed else "all passed"
    show.line(f"### Validation: {show.number(len(reports), 'table')}, {verdict}")
    show.line()
    grid(
        ["", "table", "schema", "found"],
        [
            (
                "passes" if report.holds else "**fails**",
                code(report.table),
                code(report.schema),
                escaped(summary(report)),
            )
            for report in reports
        ],
    )
    for report in reports:
        if report.failures:
            show.line()
            show.line(f"#### {code(report.table)}")
            show.line()
            grid(["", "column", "problem", "first rows"], [_row(one) for one in report.failures])


def _row(failure: "Failure") -> tuple[str, str, str, str]:
    rows = "<br>".join(escaped(f"{where(one)}: {cells(one)}") for one in failure.examples)
    column = code(failure.column) if failure.column else ""
    return failure.severity, column, escaped(failure.problem), rows
