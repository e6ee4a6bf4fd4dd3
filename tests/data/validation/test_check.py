"""Whether tables are as their schemas say: each check, and what it says where it fails."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from mlops_cli.data.validation.check import check
from mlops_cli.data.validation.read import read
from mlops_cli.data.validation.report import Failure, ValidationReport

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def found(frame: pd.DataFrame, said: str, **options: object) -> ValidationReport:
    return check(frame, read(said.encode(), where="s.yaml"), now=NOW, **options)  # type: ignore[arg-type]


def only(frame: pd.DataFrame, said: str, **options: object) -> Failure:
    report = found(frame, said, **options)
    (failure,) = report.failures
    assert not report.holds
    return failure


CASES = [
    ("missing", {"nullable": "false"}, [1.0, None], "is missing in 1 of 2 rows (50 %)"),
    ("type", {"type": "integer"}, [1.0, 1.5], "is no integer in 1 of 2 rows (50 %)"),
    ("type", {"type": "integer"}, ["1", "x"], "is no integer in 1 of 2 rows (50 %)"),
    ("type", {"type": "number"}, ["1.5", "x"], "is no number in 1 of 2 rows (50 %)"),
    ("type", {"type": "number"}, [True, 3], "is no number in 1 of 2 rows (50 %)"),
    ("type", {"type": "boolean"}, ["true", "no"], "is no boolean in 1 of 2 rows (50 %)"),
    ("type", {"type": "boolean"}, [0, 1], "is no boolean in 2 of 2 rows (100 %)"),
    ("type", {"type": "text"}, [1, 2], "is no text in 2 of 2 rows (100 %)"),
    ("type", {"type": "text"}, ["a", 2], "is no text in 1 of 2 rows (50 %)"),
    ("type", {"type": "datetime"}, ["2026-01-01", "5/3/2026"], "is no datetime in 1 of 2"),
    ("type", {"type": "datetime"}, [5, 6], "is no datetime in 2 of 2 rows (100 %)"),
    ("min", {"min": "0"}, [0, -1], "is below 0 in 1 of 2 rows (50 %)"),
    ("max", {"max": "1.5"}, [1.5, 1.6], "is above 1.5 in 1 of 2 rows (50 %)"),
    ("above", {"above": "0"}, [0, 1], "is not above 0 in 1 of 2 rows (50 %)"),
    ("below", {"below": "1"}, [0, 1], "is not below 1 in 1 of 2 rows (50 %)"),
    ("max", {"max": "9"}, [1, np.inf], "is above 9 in 1 of 2 rows (50 %)"),
    ("values", {"values": "[a, b]"}, ["a", "c"], "is none of a, b in 1 of 2 rows (50 %)"),
    ("values", {"values": "[1, 2]"}, [1, 3], "is none of 1, 2 in 1 of 2 rows (50 %)"),
    ("values", {"values": "[true]"}, [True, False], "is none of true in 1 of 2 rows (50 %)"),
    ("pattern", {"pattern": "'a+'"}, ["aa", "ab"], "is not like a+ in 1 of 2 rows (50 %)"),
    ("length", {"length": "2"}, ["ab", "é"], "has not 2 letters in 1 of 2 rows (50 %)"),
    ("length", {"length": "{max: 2}"}, ["ab", "abc"], "is longer than 2 letters in 1 of 2"),
    ("unique", {"unique": "true"}, [7, 7], "repeats an earlier row in 1 of 2 rows (50 %)"),
    (
        "min",
        {"type": "datetime", "min": "2026-01-01"},
        ["2025-12-31T23:59", "2026-01-01"],
        "is below 2026-01-01 in 1 of 2 rows (50 %)",
    ),
]


@pytest.mark.parametrize(("kind", "rule", "values", "told"), CASES)
def test_each_check_says_how_many_rows_fail(
    kind: str, rule: dict[str, str], values: list[object], told: str
) -> None:
    said = ", ".join(f"{key}: {value}" for key, value in rule.items())
    failure = only(pd.DataFrame({"a": values}), f"columns: {{a: {{{said}}}}}")
    assert (failure.check, failure.column) == (kind, "a")
    assert failure.problem.startswith(told)
    assert failure.examples[0].row in (1, 2)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("{min: 0}", [None, 1.0]),
        ("{unique: true}", [None, None]),
        ("{type: integer}", [1.0, None, 2.0]),
        ("{type: text, values: [a]}", ["a", None]),
        ("{type: boolean}", [True, None, False]),
        ("{type: datetime}", [pd.Timestamp("2026-01-01", tz="Europe/Berlin"), pd.NaT]),
        ("{type: text}", pd.Series(["a", "b"], dtype="category")),
        ("{type: integer, unique: true}", [2**53, 2**53 + 1]),
        ("{nullable: true}", [None, None]),
    ],
)
def test_what_is_missing_is_asked_for_nothing_else(rule: str, values: object) -> None:
    assert found(pd.DataFrame({"a": values}), f"columns: {{a: {rule}}}").failures == ()


def test_shares_allow_some_rows_to_fail() -> None:
    frame = pd.DataFrame({"a": [-1.0, *range(98), None]})
    assert found(frame, "columns: {a: {min: 0, mostly: 98%, missing: 1%}}").holds
    report = found(frame, "columns: {a: {min: 0, mostly: 99.5%, missing: 0.5%}}")
    assert [one.problem for one in report.failures] == [
        "is missing in 1 of 100 rows (1 %); at most 0.5 % may",
        "is below 0 in 1 of 99 rows (1.01 %); at most 0.5 % may",
    ]


def test_warnings_are_told_and_let_a_table_pass() -> None:
    report = found(pd.DataFrame({"a": [-1]}), "columns: {a: {min: 0, severity: warn}}")
    assert report.holds
    assert [one.severity for one in report.failures] == ["warn"]
    assert report.errors == ()


def test_columns_that_are_absent_new_or_in_another_order_are_told() -> None:
    frame = pd.DataFrame({"b": [1], "a": [1], "agee": [1]})
    said = "order: true\nextra: error\ncolumns: {a: , b: , age: integer, c: {required: false}}"
    report = found(frame, said)
    assert [(one.check, one.column, one.problem) for one in report.failures] == [
        ("columns", "age", "is not there; there is 'agee'"),
        ("extra", "agee", "is not in the schema"),
        ("order", None, "columns are not in the order of the schema"),
    ]


def test_rows_are_counted_and_compared_with_the_version_before() -> None:
    frame = pd.DataFrame({"a": range(70)})
    said = "rows: {min: 100, max: 50, max_change: 20%}".replace("max: 50, ", "")
    problems = [one.problem for one in found(frame, said, before=100).failures]
    assert problems == [
        "has 70 rows, at least 100 rows are asked for",
        "has 70 rows, 30 % fewer than the 100 of the version before; "
        "a change of at most 20 % is asked for",
    ]
    assert found(frame, "rows: {max_change: 20%}", before=None).holds
    assert not found(frame, "rows: {max_change: 20%}", before=0).holds
    assert not found(frame, "rows: {max: 69}").holds


def test_data_is_as_fresh_as_its_newest_moment() -> None:
    said = "columns: {day: {type: datetime, newest: 2d}}"
    assert found(pd.DataFrame({"day": ["2026-05-30T12:00", "2019-01-01"]}), said).holds
    told = only(pd.DataFrame({"day": ["2026-05-28", None]}), said).problem
    assert told == (
        "has as its newest 2026-05-28, 4 days ago; a moment of the last 2 days is asked for"
    )
    assert "no moment at all" in only(pd.DataFrame({"day": [None, None]}), said).problem


def test_rules_compare_columns_and_pass_what_is_missing() -> None:
    frame = pd.DataFrame(
        {
            "start": ["2026-01-01", "2026-01-03", "2026-01-05", None],
            "end": ["2026-01-02", "2026-01-02", None, None],
            "price": [2.0, 3.0, 4.0, 5.0],
            "count": [2, 2, 2, 2],
            "total": [4.0, 6.0, 9.0, np.nan],
        }
    )
    said = """
columns: {start: datetime, end: datetime}
rules:
  - start <= end
  - {rule: price * count == total, name: sums add up}
  - (end - start) / 3600 <= 24
  - end != null or start != null
  - price in (2, 3, 4)
"""
    report = found(frame, said)
    assert [(one.rows, one.problem.partition(" does")[0]) for one in report.failures] == [
        (1, "'start <= end'"),
        (1, "sums add up: 'price * count == total'"),
        (1, "'end != null or start != null'"),
        (1, "'price in (2, 3, 4)'"),
    ]
    assert report.failures[0].examples[0].values == {"start": "2026-01-03", "end": "2026-01-02"}
    assert report.failures[1].examples[0].row == 3


def test_a_rule_about_a_column_that_is_not_there_fails() -> None:
    assert only(pd.DataFrame({"a": [1]}), "rules: [a < b]").problem == "is not there"


def test_columns_are_unique_together_and_over_blocks() -> None:
    blocks = [
        pd.DataFrame({"user": [1, 2], "day": ["x", "x"]}),
        pd.DataFrame({"user": [1.0, 2.0], "day": ["y", "x"]}),
    ]
    schema = read(b"unique: [[user, day]]", where="s.yaml")
    (failure,) = check(blocks, schema).failures
    assert (failure.rows, failure.column) == (1, "user, day")
    assert failure.examples[0].row == 4
    assert check(iter(blocks), schema).failures[0].examples == ()  # cannot be gone through again


def test_only_the_first_rows_are_kept() -> None:
    failure = only(pd.DataFrame({"a": range(-9, 0)}), "columns: {a: {min: 0}}", examples=2)
    assert [one.values for one in failure.examples] == [{"a": "-9"}, {"a": "-8"}]
    assert failure.rows == 9


def test_an_empty_table_has_what_it_has() -> None:
    empty = pd.DataFrame({"a": pd.Series([], dtype=object)})
    assert found(empty, "columns: {a: {type: integer, min: 0, unique: true, values: [1]}}").holds
    assert not found(pd.DataFrame(), "columns: {a: }").holds


def test_long_cells_are_cut_and_control_characters_stay_cells() -> None:
    failure = only(pd.DataFrame({"a": ["x" * 500]}), "columns: {a: {length: 3}}")
    shown = failure.examples[0].values["a"]
    assert shown is not None
    assert len(shown) == 80


ODD = [[1], {"x": 2}, None, "t", 2**70, 1.5, True, b"x", pd.Timestamp("2026-01-01"), np.inf]
KINDS = ["integer", "number", "boolean", "text", "datetime", "any"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", ["nullable: false", "unique: true", "values: [a]"])
def test_cells_of_any_kind_fit_or_do_not(kind: str, more: str) -> None:
    frames = [
        pd.DataFrame({"a": ODD}),
        pd.DataFrame({"a": pd.period_range("2026", periods=2)}),
        pd.DataFrame({"a": pd.to_timedelta([1, 2])}),
        pd.DataFrame({"a": np.array([1 + 2j, 3])}),
        pd.DataFrame({"a": pd.Categorical([1, None])}),
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
        pd.DataFrame({"a": pd.array([True, None], dtype="boolean")}),
    ]
    if more.startswith("values") and kind not in ("text", "any"):
        more = "nullable: true"
    for frame in frames:
        report = found(frame, f"columns: {{a: {{type: {kind}, {more}}}}}")
        assert report.rows == len(frame)


def test_columns_without_texts_as_names_or_with_one_twice_are_told() -> None:
    assert found(pd.DataFrame([[1, 2]]), "columns: {'0': integer, '1': integer}").holds
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert only(twice, "columns: {a: integer}").problem == "is there twice"
