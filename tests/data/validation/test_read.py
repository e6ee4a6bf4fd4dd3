"""Schemas as they are written, and every mistake in one line."""

import pytest

from mlops_cli.data.validation.read import read
from mlops_cli.errors import RequestError

FULL = b"""\
rows: {min: 10, max: 100, max_change: 20%, severity: warn}
extra: error
order: true
columns:
  id: integer
  age: {type: integer, min: 0, below: 150, nullable: false}
  plan: {values: [free, pro], missing: 1%, mostly: 99%, severity: warn}
  mail: {pattern: '[^@]+@[^@]+', length: {max: 80}, unique: true}
  code: {length: 4, required: false}
  day: {type: datetime, min: 2020-01-01, newest: 2d}
unique: [id, [plan, day]]
rules:
  - age < 100 or plan == 'pro'
  - {rule: age * 2 >= id, name: old enough, mostly: 0.9, severity: warn}
"""


def test_a_schema_says_all_that_can_be_said() -> None:
    schema = read(FULL, where="s.yaml")
    by_name = {one.name: one for one in schema.columns}
    assert (schema.rows.min, schema.rows.max_change, schema.rows.severity) == (10, 0.2, "warn")
    assert (schema.extra, schema.order) == ("error", True)
    assert by_name["id"].type == "integer"
    assert (by_name["age"].min, by_name["age"].below, by_name["age"].missing) == (0, 150, 0)
    assert (by_name["plan"].values, by_name["plan"].missing) == (("free", "pro"), 0.01)
    assert (by_name["code"].shortest, by_name["code"].longest) == (4, 4)
    assert by_name["day"].newest_s == 2 * 86400
    assert schema.unique == (("id",), ("plan", "day"))
    assert [one.mostly for one in schema.rules] == [1.0, 0.9]


def test_what_is_asked_of_a_column_tells_its_type() -> None:
    said = b"columns: {a: {min: 0}, b: {values: [x]}, c: {values: [1, x]}, d: {length: 3}}"
    types = [one.type for one in read(said, where="s").columns]
    assert types == ["number", "text", "any", "text"]


def test_comments_and_layout_do_not_make_another_schema() -> None:
    one = read(b"columns:\n  a: {min: 0}\n", where="s.yaml")
    other = read(b"# why\ncolumns: {a: {min: 0.0}}\n", where="t.yaml")
    assert one.id == other.id
    assert one.id != read(b"columns: {a: {min: 1}}", where="s.yaml").id


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "s.yaml:1: asks for nothing"),
        ("[1]", "s.yaml:1: must be a mapping"),
        ("columns: {a: {tpye: text}}", "s.yaml:1: 'columns.a.tpye' is not a known key"),
        ("columns: {a: {type: int}}", "s.yaml:1: 'columns.a.type' is 'int'"),
        ("columns:\n  a: text\n  a: number", "s.yaml:3: 'columns.a' is there twice"),
        ("columns: {a: {min: 3, max: 2}}", "'columns.a.min' leaves nothing between"),
        ("columns: {a: {above: 2, max: 2}}", "'columns.a.above' leaves nothing between"),
        ("columns: {a: {min: soon}}", "'columns.a.min' is no number"),
        ("columns: {a: {type: datetime, min: soon}}", "'columns.a.min' is no moment"),
        ("columns: {a: {type: text, min: 3}}", "'columns.a.min' is a bound for numbers"),
        ("columns: {a: {type: number, pattern: x}}", "'columns.a.pattern' is about text"),
        ("columns: {a: {pattern: '['}}", "'columns.a.pattern' is no regular expression"),
        ("columns: {a: {values: []}}", "'columns.a.values' allows nothing"),
        ("columns: {a: {type: text, values: [1]}}", "'columns.a.values[0]' is no text"),
        ("columns: {a: {type: integer, values: [1.5]}}", "'columns.a.values[0]' is no integer"),
        ("columns: {a: {missing: 120%}}", "'columns.a.missing' is more than all"),
        ("columns: {a: {nullable: false, missing: 1%}}", "says what nullable says too"),
        ("columns: {a: {newest: 2d}}", "'columns.a.newest' is about moments"),
        ("columns: {a: {type: datetime, newest: soon}}", "which is no time"),
        ("columns: {a: {length: {min: 3, max: 2}}}", "'columns.a.length' leaves nothing"),
        ("rows: {min: 3, max: 2}", "'rows' leaves nothing between"),
        ("rows: {min: -1}", "'rows.min' is -1"),
        ("order: true\nextra: error", "s.yaml:1: 'order' needs columns"),
        ("unique: [[a, a]]", "'unique[0]' names a column twice"),
        ("rules: [1 < 2]", "'rules[0]' is about no column"),
        ("rules: [{name: x}]", "'rules[0]' needs the key 'rule'"),
        ("columns: {}\nrules:\n  - start <= ", "s.yaml:3: a name or a value is missing"),
        ("rules: ['a ~ \"[\"']", "no regular expression"),
    ],
)
def test_a_mistake_is_one_line_with_file_line_and_key(text: str, told: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(text.encode(), where="s.yaml")
    assert told in caught.value.message
    assert "Traceback" not in caught.value.message


def test_any_bytes_are_a_schema_or_a_line() -> None:
    for data in (b"\xff\xfe", b"a: &x [*x]", b"columns: !!python/object:os.system {}", b"\0"):
        with pytest.raises(RequestError):
            read(data, where="s.yaml")
