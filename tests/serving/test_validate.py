"""A request fits the signature, or is told which row and field do not."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.registry.signature import Column, Signature
from mlops_cli.registry.values import FLOAT32_MAX
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Validator

SIGNATURE = Signature(
    (
        Column("size", "number", 0.5, 9.5),
        Column("weight", "number", 1.0, 2.0, nullable=True),
        Column("count", "integer", 0, 10),
        Column("ripe", "boolean"),
        Column("soil", "category", categories=("clay", "loam")),
        Column("note", "text"),
        Column("picked", "datetime", "2024-01-01T00:00:00", "2024-12-31T00:00:00"),
    )
)
GOOD: dict[str, Any] = {
    "size": 5.1,
    "weight": None,
    "count": 3,
    "ripe": True,
    "soil": "loam",
    "note": "",
    "picked": "2024-05-01T10:00:00",
}
validator = Validator(SIGNATURE, max_rows=100)


def refusal(rows: list[Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        validator.rows(rows)
    return caught.value


def test_a_good_row_comes_out_by_column() -> None:
    table = validator.rows([GOOD, {**GOOD, "size": 2}])
    assert table.rows == 2
    assert [list(values) for values in table.columns][:2] == [[5.1, 2], [None, None]]


def test_columns_are_rows_turned() -> None:
    rows = [GOOD, {**GOOD, "count": 7.0, "weight": 1.5}]
    turned = {name: [row[name] for row in rows] for name in GOOD}
    by_row, by_column = validator.rows(rows), validator.columns(turned)
    assert [list(v) for v in by_row.columns] == [list(v) for v in by_column.columns]


def test_whole_floats_become_integers() -> None:
    table = validator.rows([{**GOOD, "count": 7.0}])
    assert table.columns[2] == [7]
    assert type(table.columns[2][0]) is int


def test_a_value_outside_the_training_range_is_taken() -> None:
    assert validator.rows([{**GOOD, "size": 1e6, "count": -1}]).rows == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("size", "5.1", "must be a number, got the string '5.1'"),
        ("size", True, "must be a number, got true"),
        ("size", None, "must not be null"),
        ("size", [1], "must be a number, got a list"),
        ("size", {"a": 1}, "must be a number, got an object"),
        ("size", 1e39, "must be between -3.4e+38 and 3.4e+38"),
        ("size", -1e300, "must be between"),
        ("size", math.nan, "must be a finite number, got NaN"),
        ("size", math.inf, "must be a finite number, got Infinity"),
        ("size", 10**400, "must be between"),
        ("weight", -math.inf, "got -Infinity; send null for a missing value"),
        ("weight", "heavy", "must be a number"),
        ("count", 2.5, "must be a whole number, got 2.5"),
        ("count", 2**63, "must be a whole number of at most 64 bits"),
        ("count", 1e300, "must be a whole number of at most 64 bits"),
        ("count", math.nan, "must be a whole number, got NaN"),
        ("count", False, "must be a whole number, got false"),
        ("ripe", 1, "must be true or false, got 1"),
        ("ripe", "true", "must be true or false"),
        ("soil", "sand", "must be a value that the training data have ('clay', 'loam'), got"),
        ("soil", ["loam"], "must be a value that the training data have"),
        ("soil", None, "must not be null"),
        ("note", 7, "must be a string, got 7"),
        ("picked", "soon", "must be a time such as"),
        ("picked", 20240501, "must be a time such as"),
    ],
)
def test_a_bad_value_is_told_by_row_and_field(field: str, value: Any, words: str) -> None:
    with pytest.raises(Refused) as caught:
        validator.rows([GOOD, {**GOOD, field: value}], finite=False)
    refused = caught.value
    assert refused.status == 422
    assert (refused.problems[0].row, refused.problems[0].field) == (1, field)
    assert words in refused.problems[0].problem
    assert refused.message.startswith(f"row 1, field '{field}' must")


def test_missing_and_extra_fields_are_named() -> None:
    row = {**GOOD, "sise": 1.0}
    del row["size"]
    refused = refusal([GOOD, row])
    assert refused.status == 422
    assert [str(problem) for problem in refused.problems] == [
        "row 1, field 'size' is missing",
        "row 1, field 'sise' is not an input of the model; did you mean 'size'?",
    ]


def test_an_extra_field_alone_is_refused_too() -> None:
    assert refusal([{**GOOD, "colour": "red"}]).problems[0].field == "colour"


def test_a_row_that_is_no_object_is_400() -> None:
    for row in ([1, 2], "x", None, 3, True):
        refused = refusal([GOOD, row])
        assert refused.status == 400
        assert "row 1 must be an object" in refused.message


def test_too_many_rows_are_413_and_none_400() -> None:
    assert refusal([GOOD] * 101).status == 413
    assert refusal([]).status == 400


def test_many_problems_are_counted_and_some_listed() -> None:
    refused = refusal([{**GOOD, "size": "x"} for _ in range(90)])
    assert refused.total == 90
    assert len(refused.problems) == 20
    assert refused.message.endswith("(and 89 more)")


def test_a_million_extra_fields_are_refused_in_short() -> None:
    refused = refusal([{f"c{i}": i for i in range(1_000_000)}])
    assert refused.status == 422
    assert refused.total == 1_000_000 + len(GOOD)
    assert len(refused.body()) < 10_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 5}, "field 'size' must be a list of values, got 5"),
        ({"size": [1, 2]}, "has 1 value, 'size' has 2"),
        ({"extra": [1]}, "'extra' is not an input"),
    ],
)
def test_misshapen_columns_are_refused(change: dict[str, Any], words: str) -> None:
    columns = {name: [value] for name, value in GOOD.items()} | change
    with pytest.raises(Refused) as caught:
        validator.columns(columns)
    assert caught.value.status == 422
    assert words in caught.value.message


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    lacking = {name: value for name, value in GOOD.items() if name != "note"}
    refused = refusal([{**lacking, "Size": 1, "count": "x", "soil": "mud"}, GOOD])
    said = [(one.row, one.field) for one in refused.problems]
    assert said == [(0, "note"), (0, "Size"), (0, "count"), (0, "soil")]
    assert refused.total == 4
    assert "did you mean 'size'" in refused.problems[1].problem


def test_all_that_is_wrong_with_columns_is_said_at_once() -> None:
    columns: dict[str, Any] = {name: [value, value] for name, value in GOOD.items()}
    del columns["note"]
    columns |= {"colour": [1, 2], "ripe": True, "soil": ["loam"], "count": [1, "x"]}
    with pytest.raises(Refused) as caught:
        validator.columns(columns)
    assert [(one.row, one.field) for one in caught.value.problems] == [
        (None, "note"),
        (None, "colour"),
        (None, "ripe"),
        (None, "soil"),
        (1, "count"),
    ]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(Refused, match="field 'size' is missing"):
        validator.columns({name: [value] for name, value in GOOD.items() if name != "size"})


def test_one_column_is_enough() -> None:
    single = Validator(Signature((Column("x", "number"),)), max_rows=5)
    assert single.rows([{"x": 1}, {"x": 2}]).columns == [(1, 2)]


def test_a_model_trained_on_huge_numbers_takes_them() -> None:
    huge = Validator(Signature((Column("x", "number", -1e300, 1e200),)), max_rows=5)
    assert huge.rows([{"x": 1e300}]).rows == 1
    with pytest.raises(Refused):
        huge.rows([{"x": 1.1e300}])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), json_values, max_size=3))
def test_whatever_passes_is_what_the_signature_says(change: dict[str, Any]) -> None:
    refused: Refused | None = None
    try:
        table = validator.rows([{**GOOD, **change}], finite=False)
    except Refused as error:
        refused = error
    if refused is not None:
        assert refused.status == 422
        assert {problem.field for problem in refused.problems} <= change.keys()
        return
    size, weight, count, ripe, soil, note, picked = (values[0] for values in table.columns)
    assert abs(size) <= FLOAT32_MAX
    assert weight is None or abs(weight) <= FLOAT32_MAX
    assert type(count) is int
    assert -(2**63) <= count < 2**63
    assert type(ripe) is bool
    assert soil in {"clay", "loam"}
    assert isinstance(note, str)
    assert isinstance(picked, str)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), json_values, max_size=3))
def test_the_quick_checks_agree_with_the_careful_ones(change: dict[str, Any]) -> None:
    row = {**GOOD, **change}
    if any(isinstance(value, float) and math.isnan(value) for value in row.values()):
        return  # not JSON; such bodies take the careful way

    def outcome(*, finite: bool) -> Any:
        try:
            return [list(values) for values in validator.rows([row], finite=finite).columns]
        except Refused as refused:
            return refused.message

    assert outcome(finite=True) == outcome(finite=False)
