"""What was found in a table, held against its schema: the report."""

from collections.abc import Iterable, Iterator, Mapping

from mlops_cli.core.ids import ObjectId
from mlops_cli.data.validation import moments
from mlops_cli.data.validation.report import Failure, ValidationReport
from mlops_cli.data.validation.scan import NAMED, Plan, Scan, Tally
from mlops_cli.data.validation.schema import Schema, Severity


def judge(
    plan: Plan,
    found: Scan,
    *,
    name: str,
    now: float,
    before: int | None,
    content: ObjectId | None = None,
    cached: bool = False,
) -> ValidationReport:
    """Return the report.

    `now` is in seconds since 1970, and `before` the number of rows of the version before.
    """
    schema = plan.schema
    failures = (
        *_whole(schema, found),
        *_rows(schema, found, before),
        *_columns(schema, found),
        *_tallied(plan, found),
        *_fresh(schema, found, now),
    )
    return ValidationReport(
        holds=not any(one.severity == "error" for one in failures),
        table=name,
        content=content,
        schema=schema.where,
        schema_id=schema.id,
        rows=found.rows,
        columns=len(found.names),
        checks=_count(plan, before),
        failures=failures,
        cached=cached,
    )


def _count(plan: Plan, before: int | None) -> int:
    schema = plan.schema
    rows = schema.rows
    asked = (rows.min, rows.max, None if before is None else rows.max_change)
    return (
        len(plan.cells)
        + len(plan.unique)
        + len(plan.rules)
        + len(plan.fresh)
        + sum(rule.required for rule in schema.columns)
        + sum(one is not None for one in asked)
        + (schema.extra != "allow")
        + schema.order
    )


def _whole(schema: Schema, found: Scan) -> Iterator[Failure]:
    if found.broken is not None:
        yield Failure("format", None, "a table that can be read", found.broken, "error")
    for name, files in found.twice.items():
        if any(rule.name == name for rule in schema.columns) or schema.extra != "allow":
            yield Failure("columns", name, "there once", f"is there twice{_in(files)}", "error")


def _rows(schema: Schema, found: Scan, before: int | None) -> Iterator[Failure]:
    asked, has = schema.rows, f"has {found.rows:,} row{'' if found.rows == 1 else 's'}"
    if asked.min is not None and found.rows < asked.min:
        wanted = f"at least {asked.min:,} rows"
        yield Failure("rows", None, wanted, f"{has}, {wanted} are asked for", asked.severity)
    if asked.max is not None and found.rows > asked.max:
        wanted = f"at most {asked.max:,} rows"
        yield Failure("rows", None, wanted, f"{has}, {wanted} are asked for", asked.severity)
    if asked.max_change is None or before is None:
        return
    away = abs(found.rows - before)
    if away > asked.max_change * before + 1e-9:
        share = f"{_percent(away / before)} " if before else ""
        more = "more" if found.rows > before else "fewer"
        problem = f"{has}, {share}{more} than the {before:,} of the version before"
        wanted = f"a change of at most {_percent(asked.max_change)}"
        yield Failure("change", None, wanted, f"{problem}; {wanted} is asked for", asked.severity)


def _columns(schema: Schema, found: Scan) -> Iterator[Failure]:
    severities: Mapping[str, Severity] = {rule.name: rule.severity for rule in schema.columns}
    for name, files in found.absent.items():
        problem = f"is not there{_in(files)}{_near(name, found)}"
        severity = severities.get(name, "error")
        yield Failure("columns", name, "a column that is there", problem, severity)
    if schema.extra != "allow":
        for name, files in found.extra.items():
            problem = f"is not in the schema{_in(files)}"
            yield Failure("extra", name, "no column that is not named", problem, schema.extra)
    if found.disordered:
        problem = f"columns are not in the order of the schema{_in(found.disordered)}"
        yield Failure("order", None, "columns in the order of the schema", problem, "error")


def _near(name: str, found: Scan) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(found.extra), n=1, cutoff=0.7)
    return f"; there is '{near[0]}'" if near else ""


def _in(files: Iterable[str]) -> str:
    named = [file for file in files if file]
    if not named:
        return ""
    more = f" and {len(named) - NAMED} more files" if len(named) > NAMED else ""
    return " in " + ", ".join(named[:NAMED]) + more


def _tallied(plan: Plan, found: Scan) -> Iterator[Failure]:
    tallies = iter(found.tallies)
    for rule, check in plan.cells:
        tally = next(tallies)
        allowed = rule.missing if check.kind == "missing" else 1 - rule.mostly
        if _too_many(tally, allowed):
            problem = f"{check.said} {_how_many(tally, allowed)}"
            yield _failure(check.kind, rule.name, check.wanted, problem, rule.severity, tally)
    mostly = {rule.name: (rule.mostly, rule.severity) for rule in plan.schema.columns}
    for columns in plan.unique:
        tally = next(tallies)
        alone = len(columns) == 1 and columns not in plan.schema.unique
        share, severity = mostly[columns[0]] if alone else (1.0, "error")
        if _too_many(tally, 1 - share):
            problem = f"repeats an earlier row {_how_many(tally, 1 - share)}"
            wanted = "no value twice"
            yield _failure("unique", ", ".join(columns), wanted, problem, severity, tally)
    for row_rule in plan.rules:
        tally = next(tallies)
        if _too_many(tally, 1 - row_rule.mostly):
            text = row_rule.condition.text
            said = f"{row_rule.name}: '{text}'" if row_rule.name else f"'{text}'"
            problem = f"{said} does not hold {_how_many(tally, 1 - row_rule.mostly)}"
            yield _failure("rule", None, text, problem, row_rule.severity, tally)


def _too_many(tally: Tally, allowed: float) -> bool:
    return tally.failing > allowed * tally.asked + 1e-9


def _how_many(tally: Tally, allowed: float) -> str:
    share = tally.failing / tally.asked
    rows = f"{tally.failing:,} of {tally.asked:,} row{'' if tally.asked == 1 else 's'}"
    limit = f"; at most {_percent(allowed)} may" if allowed else ""
    return f"in {rows} ({_percent(share)}){limit}"


def _percent(share: float) -> str:
    """Return a share in per cent, never as none or all when it is neither.

    >>> _percent(0.125), _percent(1.0), _percent(0.0000001), _percent(0.99999)
    ('12.5 %', '100 %', 'under 0.01 %', 'over 99.99 %')
    """
    if 0 < share < 0.0001:
        return "under 0.01 %"
    if 0.9999 < share < 1:
        return "over 99.99 %"
    return f"{100 * share:.3g} %"


def _failure(
    check: str, column: str | None, wanted: str, problem: str, severity: Severity, tally: Tally
) -> Failure:
    share = tally.failing / tally.asked
    return Failure(check, column, wanted, problem, severity, tally.failing, share, tally.examples)


def _fresh(schema: Schema, found: Scan, now: float) -> Iterator[Failure]:
    for rule in schema.columns:
        if rule.newest_s is None or rule.name not in found.newest:
            continue
        newest = found.newest[rule.name]
        wanted = f"a moment of the last {moments.age(rule.newest_s)}"
        if newest is None:
            if rule.name not in found.absent:
                problem = f"has no moment at all; {wanted} is asked for"
                yield Failure("newest", rule.name, wanted, problem, rule.severity)
        elif now - newest > rule.newest_s:
            when = f"{moments.text(newest)}, {moments.age(now - newest)} ago"
            problem = f"has as its newest {when}; {wanted} is asked for"
            yield Failure("newest", rule.name, wanted, problem, rule.severity)
