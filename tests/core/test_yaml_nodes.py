"""YAML with lines: what is read, and what each mistake says."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.yaml_nodes import Value, parse
from mlops_cli.errors import RequestError


def read(text: str | bytes) -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    return parse(data, where="f.yaml").plain()


def problem(text: str | bytes) -> str:
    with pytest.raises(RequestError) as caught:
        read(text)
    return caught.value.message


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
)
keys = st.text(st.characters(codec="utf-8", categories=["Ll", "Lu", "Nd"]), min_size=1)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20
)


@given(trees)
def test_plain_reads_back_what_yaml_wrote(value: Any) -> None:
    # JSON's style quotes all text, so that YAML 1.1's writer and 1.2's reader agree.
    import json

    text = json.dumps(value, ensure_ascii=False)
    assert read(text) == value


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text("&*[]{}:-?!| \n\t'\"#a1.<>=%@").map(str.encode)
)
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes) -> None:
    said = refusal(data)
    assert said is None or (said.startswith("f.yaml:") and said.isprintable())


def refusal(data: bytes) -> str | None:
    try:
        read(data)
    except RequestError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("-.5", -0.5),
        ("+3", 3),
        ("0x1F", 31),
        ("0o17", 15),
        ("2024-01-01", "2024-01-01"),
        ("'no'", "no"),
        ("n", "n"),
        ("TRUE", True),
        ("~", None),
        ("", None),
        ("# nothing", None),
        ("1.2.3", "1.2.3"),
        ("\ufeff1", 1),
        ("-", [None]),
        ("--", "--"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: Any) -> None:
    found = read(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["no", "Yes", "on", "010", "1_000", "12:30"])
def test_what_yaml_versions_read_differently_wants_quotes(text: str) -> None:
    assert problem(f"a: {text}") == (
        f"f.yaml:1: 'a' is {text}, which YAML 1.1 and 1.2 read differently"
    )
    assert read(f"a: '{text}'") == {"a": text}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3: 'a' is there twice, first on line 1"),
        ("a:\n  b: [1, {c: .nan}]", "f.yaml:2: 'a.b[1].c' must be a finite number"),
        ("a: 1e999", "f.yaml:1: 'a' must be a finite number"),
        ("a: 1" + 5000 * "0", "f.yaml:1: 'a' is not a number that can be read"),
        ("a: !!int abc", "f.yaml:1: 'a' is not a number that can be read"),
        ("a: !!map abc", "f.yaml:1: 'a' has the tag 'tag:yaml.org,2002:map'"),
        ("a: !!python/name:os.system", "f.yaml:1: 'a' has the tag 'tag:yaml.org,2002:python/"),
        ("a: {<<: {b: 1}}", "f.yaml:1: 'a.<<' is a merge key, which YAML 1.2 does not have"),
        ("[1]: 2", "f.yaml:1: '?' is a key, so it must be text"),
        ("a: b\n<<<<<<< HEAD\nc: d\n", "f.yaml:2: has a merge-conflict marker"),
        ("a: b\n=======\n", "f.yaml:2: has a merge-conflict marker"),
        (">>>>>>> theirs\n", "f.yaml:1: has a merge-conflict marker"),
        (b"a: 1\nb: \xff", "f.yaml:2: is not UTF-8 text"),
        ("a: [1,\n2", "f.yaml:3: is not valid YAML: "),
        ("a: 1\n\tb: 2", "f.yaml:2: is not valid YAML: "),
        ("a: b: c", "f.yaml:1: is not valid YAML: mapping values are not allowed"),
        ("b: 2\na: \x01", "f.yaml:2: is not valid YAML: control characters are not allowed"),
        ("--- 1\n--- 2", "f.yaml:2: is not valid YAML: "),
        ("a: *b", "f.yaml:1: is not valid YAML: found undefined alias"),
        ("a: &a [*a]", "f.yaml:1: an alias holds itself"),
        ("[" * 100_000, "f.yaml:1: is not valid YAML: nested too deeply"),
        ("- " * 100_000, "f.yaml:1: is not valid YAML: nested too deeply"),
    ],
)
def test_each_mistake_is_named_with_file_line_and_key(text: str | bytes, message: str) -> None:
    assert problem(text).startswith(message)


def test_a_rule_of_equal_signs_in_text_is_no_marker() -> None:
    assert read("# =======\na: |\n  =======\n") == {"a": "=======\n"}


def test_a_tab_is_told_of_in_the_hint() -> None:
    with pytest.raises(RequestError) as caught:
        read("a:\n\t- b")
    assert caught.value.hint is not None
    assert "not tabs" in caught.value.hint


def test_aliases_are_read_but_not_when_they_make_billions() -> None:
    assert read("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}
    lines = ["a0: &a0 [1, 2]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than 1000000 values" in problem("\n".join(lines))


@dataclass(frozen=True)
class Point:
    x: int
    label: str = "none"
    flag: bool = False


READERS = {"x": Value.integer, "label": Value.text, "flag": Value.boolean}


def point(text: str) -> Point:
    return parse(text.encode(), where="f").record(Point, READERS, required=["x"])


def test_record_makes_a_dataclass_of_the_keys_that_are_there() -> None:
    assert point("x: 3") == Point(3)
    assert point("{label: a, x: 3}") == Point(3, "a")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("x: 1\nlabl: a", "f:2: 'labl' is not a known key", "did you mean 'label'?"),
        ("x: 1\nzzz: a", "f:2: 'zzz' is not a known key", "known here: x, label, flag"),
        ("label: a", "f:1: needs the key 'x'", "add x: ..."),
        ("", "f:1: needs the key 'x'", "add x: ..."),
        ("[]", "f:1: must be a mapping, not a list", None),
        ("x: '3'", "f:1: 'x' must be a whole number, not the text '3'", None),
        ("x: 3.0", "f:1: 'x' must be a whole number, not '3.0'", None),
        ("x:", "f:1: 'x' must be a whole number, not nothing", None),
        ("x: 1\nlabel: 2", "f:2: 'label' must be text, not '2'", "put it in quotes if"),
        ("x: 1\nlabel: ' '", "f:2: 'label' must not be empty", None),
        ("x: 1\nlabel: [a]", "f:2: 'label' must be text, not a list", None),
        ("x: 1\nflag: [1]", "f:2: 'flag' must be true or false, not a list", None),
        ("x: 1\nflag: {a: 1}", "f:2: 'flag' must be true or false, not a mapping", None),
    ],
)
def test_record_names_what_does_not_fit(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(RequestError) as caught:
        point(text)
    assert caught.value.message == message
    assert (caught.value.hint or "").startswith(hint or "")


def test_numbers_keep_to_their_range() -> None:
    value = parse(b"7", where="f")
    assert value.integer(minimum=7, maximum=7) == 7
    assert math.isclose(value.number(), 7.0)
    with pytest.raises(RequestError, match="is 7, must be at least 8"):
        value.integer(minimum=8)
    with pytest.raises(RequestError, match="must be at most 6"):
        value.number(maximum=6)
    with pytest.raises(RequestError, match="too large a number"):
        parse(b"1" + 400 * b"0", where="f").number()


def test_word_takes_scalars_as_they_are_written() -> None:
    assert [value.word() for value in parse(b"[010, 1e5, true, a]", where="f").each()] == [
        "010",
        "1e5",
        "true",
        "a",
    ]
    with pytest.raises(RequestError, match="not nothing"):
        parse(b"~", where="f").word()


def test_choice_and_boolean_suggest() -> None:
    assert parse(b"file", where="f").choice("file", "folder") == "file"
    with pytest.raises(RequestError) as caught:
        parse(b"fil", where="f").choice("file", "folder")
    assert caught.value.hint == "did you mean 'file'?"
    assert parse(b"False", where="f").boolean() is False
    with pytest.raises(RequestError) as caught:
        parse(b"yes", where="f").boolean()
    assert caught.value.hint == "write true"


def test_plain_agrees_with_pyyaml_where_the_versions_of_yaml_do() -> None:
    text = "a: [1, -2, 3.5, x, 'y', \"z\\n\", null, true]\nb:\n  c: >\n    folded\n    text\n"
    assert read(text) == yaml.safe_load(text)
