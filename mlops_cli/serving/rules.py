"""Requests held against the schema of a model's data, beside its signature."""

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Signature
from mlops_cli.serving.refusal import MOST_PROBLEMS, Problem, refuse_values
from mlops_cli.serving.validate import Table, Validator

if TYPE_CHECKING:
    from mlops_cli.data.validation.requests import Broken, RequestCheck

FAMILY = "mlo_validation_failures_total"
MEANING = "Values and rows of requests that a schema does not allow, by field and check"


class Ruled(Validator):
    """Checks requests by a schema too: refuses them, or only counts what it does not allow."""

    def __init__(
        self, signature: Signature, check: "RequestCheck", *, max_rows: int, refuse: bool
    ) -> None:
        """`refuse` says whether a request is turned down by an error of the schema."""
        super().__init__(signature, max_rows=max_rows)
        self._check = check
        self._refuse = refuse
        self._lock = threading.Lock()
        self._failed: Counter[tuple[str, str]] = Counter()

    def rows(self, rows: list[Any], *, finite: bool = True) -> Table:
        """Return the table of a request's rows, as the signature and the schema let it."""
        return self._ruled(super().rows(rows, finite=finite))

    def columns(self, columns: dict[str, Any], *, finite: bool = True) -> Table:
        """Return the table of a request's columns, as the signature and the schema let it."""
        return self._ruled(super().columns(columns, finite=finite))

    def drain(self) -> list[tuple[tuple[str, str], int]]:
        """Return how often each field failed each check since this was last asked."""
        if not self._failed:
            return []
        with self._lock:
            failed, self._failed = self._failed, Counter()
        return list(failed.items())

    def _ruled(self, table: Table) -> Table:
        found = self._check.broken(table.columns, table.rows)
        if found:
            self._note(found)
        return table

    def _note(self, found: "list[Broken]") -> None:
        with self._lock:
            self._failed.update((one.field, one.check) for one in found)
        errors = [one for one in found if one.severity == "error"]
        if self._refuse and errors:
            errors.sort(key=lambda one: one.row)
            problems = [Problem(one.row, one.field, one.problem) for one in errors[:MOST_PROBLEMS]]
            raise refuse_values(problems, len(errors))


def validator(
    repo: Repository, version: Version, signature: Signature, *, max_rows: int
) -> Validator | None:
    """Return what checks requests to a version by a schema too; None where none is asked for.

    Raises:
        RequestError: there is no such schema, or nothing of it is about the version's inputs.
    """
    refuse = repo.settings.serving.validate.on_fail
    if refuse == "ignore":
        return None
    from mlops_cli.data.validation import declared
    from mlops_cli.data.validation.requests import RequestCheck
    from mlops_cli.registry import request_schema

    file = request_schema.file_of(repo, version)
    assert file is not None
    schema = declared.load(repo, file)
    check = RequestCheck(schema, signature.names)
    if not check.count:
        raise RequestError(
            f"nothing of {schema.where} is about single rows of what {version.model} takes",
            hint="name its inputs in that schema, or another in serving.validate.schema",
        )
    return Ruled(signature, check, max_rows=max_rows, refuse=refuse == "refuse")
