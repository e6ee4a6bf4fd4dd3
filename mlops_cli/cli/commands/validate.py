"""`mlo validate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.data.validation.report import ValidationReport
    from mlops_cli.data.validation.start import Started


def validate(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH[@REV]]...",
            help="Tables, folders, or patterns in quotes (default: all with a schema)",
        ),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option("--schema", metavar="FILE", help="The schema (default: as .mlops.yaml says)"),
    ] = None,
    infer: Annotated[
        bool, typer.Option("--infer", help="Write a schema that the data passes, to edit")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --infer, overwrite a schema that is there")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Read data whose verdict is known, too")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--md", help="Markdown, for a comment on a pull request")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check data against its schema: columns, values and rules.

    A schema is a YAML file that `data: PATH: schema: FILE` in .mlops.yaml names; --infer writes a
    first one to schemas/, and names it there. Tables are CSV, TSV, Parquet or JSON lines of any
    size, in the work tree or of a version (PATH@REV). What fails is told with its first rows; the
    exit code is 1 then, and 2 where a schema says what cannot be understood.
    """
    from mlops_cli.errors import RequestError

    if markdown and as_json:
        raise RequestError("one form of output at a time", hint="--md or --json")
    if force and not infer:
        raise RequestError("--force is for --infer", hint="mlo validate PATH --infer --force")
    repo = repository()
    if infer:
        if not paths or markdown:
            raise RequestError("--infer needs a path, and has no --md", hint="mlo validate PATH")
        if schema is not None and len(paths) > 1:
            raise RequestError("--schema is for one path", hint="leave it out")
        _infer(repo, paths, schema, force=force, as_json=as_json)
        return
    reports = _reports(repo, paths or [], schema, cached=not no_cache)
    from mlops_cli.cli import validation_report

    text = validation_report.markdown if markdown else validation_report.tell
    show.emit(reports, as_json=as_json, text=text)
    if not all(report.holds for report in reports):
        raise typer.Exit(1)


def _reports(
    repo: "Repository", paths: list[str], schema: str | None, *, cached: bool
) -> "list[ValidationReport]":
    from pathlib import Path

    from mlops_cli.data.validation import declared, start
    from mlops_cli.data.validation.validate import target, validate

    if schema is not None:
        said = declared.load(repo, start.inside(repo, schema, base=Path.cwd()))
        return [
            validate(
                repo,
                target(repo, path, start=Path.cwd()),
                said,
                cached=cached,
                progress=show.progress(),
            )
            for path in start.named(paths)
        ]
    found = start.chosen(repo, paths, base=Path.cwd())
    return [validate(repo, one, cached=cached, progress=show.progress()) for one in found]


def _infer(
    repo: "Repository", paths: list[str], schema: str | None, *, force: bool, as_json: bool
) -> None:
    from pathlib import Path

    from mlops_cli.data.validation import start

    made = [start.start(repo, path, schema=schema, base=Path.cwd(), force=force) for path in paths]
    show.emit(made, as_json=as_json, text=_tell)
    if not as_json:
        show.note("next: edit it, then mlo validate; commit it with .mlops.yaml")


def _tell(made: "list[Started]") -> None:
    for one in made:
        show.line(f"{one.schema}: {one.columns} columns of {one.path}, from {one.rows:,} rows")
        if one.lines is not None:
            show.line("  write into .mlops.yaml:")
            for line in one.lines.splitlines():
                show.line("    " + line)
        elif one.declared:
            show.line("  .mlops.yaml names it now")
