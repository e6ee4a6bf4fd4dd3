"""Data that a step needs or writes, held against its schemas before and after it runs."""

from collections.abc import Iterable, Iterator

from mlops_cli.core.config_steps import Step, is_path
from mlops_cli.core.config_validation import validated
from mlops_cli.core.repository import Repository
from mlops_cli.data.validation import declared
from mlops_cli.data.validation.report import ValidationReport
from mlops_cli.data.validation.validate import known, validate


def failing(
    repo: Repository, step: Step, paths: Iterable[str], *, fresh: bool
) -> Iterator[ValidationReport]:
    """Yield the reports on data at some paths of a step that does not pass its schema.

    With `fresh`, what hangs on the day and on the version before counts too.

    Raises:
        RequestError: a schema cannot be understood, or the data is no table.
    """
    files = declared.declared(repo)
    for path in paths:
        for one in validated(step, path, files) if is_path(path) else ():
            report = validate(repo, one, fresh=fresh)
            if not report.holds:
                yield report


def reasons(repo: Repository, step: Step) -> Iterator[str]:
    """Yield why a step is stale by its data's schemas, from what is known already.

    Raises:
        RequestError: a schema cannot be understood.
    """
    files = declared.declared(repo)
    written = [out.path for out in step.files]
    for path in dict.fromkeys((*step.deps, *written)):
        for one in validated(step, path, files):
            found = known(repo, one)
            if found is None:
                yield f"{one} is not validated yet"
            elif not found.holds:
                yield f"{one} fails {found.schema}"


def told(report: ValidationReport) -> Iterator[str]:
    """Yield the lines that say what fails, for the log of a run."""
    yield f"validate: {report.table} fails {report.schema}"
    for one in report.failures:
        column = f"{one.column} " if one.column else ""
        yield f"  {one.severity}  {column}{one.problem}"
        for row in one.examples:
            where = f"row {row.row}" if row.line is None else f"line {row.line}"
            cells = ", ".join(f"{name}={value}" for name, value in row.values.items())
            yield f"    {row.file or ''}{' ' if row.file else ''}{where}: {cells}"
