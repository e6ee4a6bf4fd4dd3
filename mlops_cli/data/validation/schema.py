"""What a table is to be like: the records that a schema file is read into."""

from collections.abc import Collection
from typing import Literal

from mlops_cli.core import canonical
from mlops_cli.core.expression import Expression
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.records import dataclass, field, replace

Type = Literal["integer", "number", "boolean", "text", "datetime", "any"]
TYPES: tuple[Type, ...] = ("integer", "number", "boolean", "text", "datetime", "any")
Severity = Literal["error", "warn"]
Extra = Literal["allow", "warn", "error"]
Bound = float | str
"""A number, or a moment as ISO 8601 has it."""


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What one column is to be like; a value that is missing is asked for nothing else."""

    name: str
    type: Type = "any"
    required: bool = True
    missing: float = 1.0
    """The largest share of missing values, in 0..1."""
    unique: bool = False
    min: Bound | None = None
    max: Bound | None = None
    above: Bound | None = None
    below: Bound | None = None
    values: tuple[str | float | bool, ...] | None = None
    """All values that there may be."""
    pattern: str | None = None
    """A regular expression that is to fit the whole of each text."""
    shortest: int | None = None
    """In letters."""
    longest: int | None = None
    newest_s: float | None = None
    """The newest moment is at most so many seconds ago."""
    mostly: float = 1.0
    """The share of values that is to pass each check, in 0..1."""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class RowRule:
    """A condition on columns that each row is to meet; one with a missing value is not asked."""

    condition: Expression
    name: str | None = None
    mostly: float = 1.0
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows there are to be."""

    min: int | None = None
    max: int | None = None
    max_change: float | None = None
    """The largest change from the version before, as a share of its rows."""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Schema:
    """What a table is to be like.

    Attributes:
        where: the file that says so, for messages.
        unique: columns whose values together are to be in one row only.
        extra: what becomes of columns that are not named.
        order: whether columns stand in the order in which they are named.
    """

    where: str
    columns: tuple[ColumnRule, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    rules: tuple[RowRule, ...] = ()
    rows: RowCount = field(default_factory=RowCount)
    extra: Extra = "allow"
    order: bool = False

    @property
    def id(self) -> ObjectId:
        """The hash of what it says; comments, layout and the file's name do not count."""
        return object_id(canonical.encode(_plain(self)))


def of_requests(schema: Schema, names: Collection[str]) -> Schema:
    """Return what a schema says of rows that a model was asked, which have the columns `names`.

    Left out is what is about other columns, such as the target, and how many rows there are to be.
    """
    return replace(
        schema,
        columns=tuple(rule for rule in schema.columns if rule.name in names),
        unique=tuple(key for key in schema.unique if set(key) <= set(names)),
        rules=tuple(rule for rule in schema.rules if set(rule.condition.names) <= set(names)),
        rows=RowCount(),
    )


def _plain(schema: Schema) -> dict[str, object]:
    from dataclasses import asdict

    said = asdict(schema)
    del said["where"]
    said["rules"] = [
        [rule.condition.text, rule.name, rule.mostly, rule.severity] for rule in schema.rules
    ]
    return said
