"""What came of checking a table against its schema."""

from collections.abc import Mapping

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.data.validation.schema import Severity


@dataclass(frozen=True, slots=True)
class Example:
    """A row that fails.

    Attributes:
        row: its number among the rows, from 1; in a folder among those of its file.
        line: its line in the file, from 1; None for tables that have no lines.
        file: the file in a folder of tables; None for a single one.
        values: the cells that matter, by column, as text; None for a missing one.
    """

    row: int
    line: int | None
    file: str | None
    values: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Failure:
    """One check that a table does not pass.

    Attributes:
        check: what kind of check: `missing`, `type`, `min`, `unique`, `rule`, `rows`, ...
        column: the column that it is about; several are joined by a comma; None: the table.
        asked: what the schema asks for, in words.
        problem: what is so instead, in words, without the column.
        rows: how many rows fail; None where it is not about rows.
        share: of the rows that were asked, in 0..1.
        examples: the first rows that fail.
    """

    check: str
    column: str | None
    asked: str
    problem: str
    severity: Severity
    rows: int | None = None
    share: float | None = None
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """A table and the checks that it does not pass.

    Attributes:
        holds: whether it passes all that are not mere warnings.
        table: what was checked, as the user calls it.
        content: the id of its bytes; None for what is only in memory.
        schema: the file that says what it is to be like.
        schema_id: the hash of what that file says.
        checks: how many checks were made.
        cached: whether the same content was known to be so.
    """

    holds: bool
    table: str
    content: ObjectId | None
    schema: str
    schema_id: ObjectId
    rows: int
    columns: int
    checks: int
    failures: tuple[Failure, ...]
    cached: bool = False

    @property
    def errors(self) -> tuple[Failure, ...]:
        """The failures that are no mere warnings."""
        return tuple(one for one in self.failures if one.severity == "error")

    @property
    def first(self) -> str:
        """The first error in a line, and how many more there are; of a table without, a praise."""
        if not self.errors:
            return "passes " + self.schema
        one = self.errors[0]
        said = f"{one.column}: {one.problem}" if one.column else one.problem
        more = len(self.errors) - 1
        return said + (f", and {more} more failed check{'s' * (more > 1)}" if more else "")
