"""Steps as they run: what templates, `foreach` and `matrix` give, and what each mistake says."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.config import read
from mlops_cli.core.config_steps import Out, Plot, Reference, Step
from mlops_cli.core.expand import expand
from mlops_cli.errors import RequestError

PARAMS = "params: {seeds: [1, 2], names: {a: {depth: 3}, b: {depth: 5}}, out: made, use: true}\n"


def steps(text: str) -> dict[str, Step]:
    return dict(read((PARAMS + text).encode(), where=".mlops.yaml").steps)


def step(text: str) -> Step:
    return steps(f"steps: {{one: {{cmd: x, {text}}}}}")["one"]


def test_a_step_can_say_all_that_it_needs() -> None:
    text = """
deps: [a.py, "data/*.csv", ./src/, {env: HOME}, {model: churn@production, path: ./old/},
       {data: raw.csv@v1.0}, {step: two}],
params: [out, {conf.toml: [a.b, c]}, {conf.yaml: }]"""
    found = steps(f"steps: {{one: {{cmd: x, {text.strip()}}}, two: {{cmd: y}}}}")["one"]
    assert found.deps == ("a.py", "data/*.csv", "src")
    assert found.variables == ("HOME",)
    assert found.references == (
        Reference("model", "churn@production", "old"),
        Reference("data", "raw.csv@v1.0"),
    )
    assert found.steps == ("two",)
    assert found.params == ("out",)
    assert found.param_files == {"conf.toml": ("a.b", "c"), "conf.yaml": ()}


def test_a_step_can_say_what_becomes_of_its_outputs() -> None:
    found = step(
        "outs: [a, {b/: {cache: false, persist: true, on_failure: remove}}], "
        "metrics: [m.json], plots: [p.csv, {q.csv: {x: epoch, y: loss, title: Loss}}]"
    )
    assert found.outs == (Out("a"), Out("b", cache=False, persist=True, on_failure="remove"))
    assert found.plots == (Plot("p.csv"), Plot("q.csv", x="epoch", y=("loss",), title="Loss"))
    assert [out.path for out in found.files] == ["a", "b", "m.json", "p.csv", "q.csv"]


@pytest.mark.parametrize(
    ("written", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("1d", 86400)]
)
def test_a_timeout_has_a_unit(written: str, seconds: float) -> None:
    assert step(f"timeout: {written}").timeout_s == seconds


def test_a_notebook_stands_for_a_command_and_is_read() -> None:
    found = steps("steps: {n: {notebook: a.ipynb, deps: [x.csv]}}")["n"]
    assert (found.notebook, found.cmd) == ("a.ipynb", ("papermill", "a.ipynb"))
    assert found.deps == ("a.ipynb", "x.csv")


def test_parameters_are_filled_in_everywhere_but_in_the_command() -> None:
    found = step('env: {A: "${out}-$${B}", N: "${use}"}, outs: ["${out}/x"], workdir: "${out}"')
    assert found.env == {"A": "made-${B}", "N": "true"}
    assert (found.outs[0].path, found.workdir) == ("made/x", "made")
    assert step('outs: ["${params.out}"]').outs[0].path == "made"
    assert steps("steps: {a: {cmd: 'echo ${out}'}}")["a"].cmd == "echo ${out}"


def test_foreach_makes_a_step_for_each_of_a_list() -> None:
    found = steps(
        "steps: {t: {foreach: [x, 2, true], cmd: 'fit ${item} ${out}', outs: ['o/${key}']}}"
    )
    assert [(one.name, one.cmd, one.outs[0].path, one.group) for one in found.values()] == [
        ("t@x", "fit x ${out}", "o/x", "t"),
        ("t@2", "fit 2 ${out}", "o/2", "t"),
        ("t@true", "fit true ${out}", "o/true", "t"),
    ]


def test_foreach_takes_mappings_and_names_of_parameters() -> None:
    by_key = steps("steps: {t: {foreach: '${names}', cmd: 'fit ${key} ${item.depth}'}}")
    assert {name: one.cmd for name, one in by_key.items()} == {"t@a": "fit a 3", "t@b": "fit b 5"}
    by_place = steps("steps: {t: {foreach: [{d: 1}, {d: 2}], cmd: 'fit ${item.d}'}}")
    assert {name: one.cmd for name, one in by_place.items()} == {"t@0": "fit 1", "t@1": "fit 2"}
    written = steps("steps: {t: {foreach: {a: {d: 1}}, cmd: 'fit ${item.d} ${key}'}}")
    assert written["t@a"].cmd == "fit 1 a"


def test_matrix_makes_a_step_for_each_combination() -> None:
    found = steps(
        "steps: {t: {matrix: {m: [a, b], s: '${seeds}'}, cmd: [fit, '${item.m}', '${item.s}']}}"
    )
    assert {name: one.cmd for name, one in found.items()} == {
        "t@a-1": ("fit", "a", "1"),
        "t@a-2": ("fit", "a", "2"),
        "t@b-1": ("fit", "b", "1"),
        "t@b-2": ("fit", "b", "2"),
    }


def test_what_a_step_is_made_for_is_one_word_for_the_shell() -> None:
    found = steps("steps: {t: {foreach: ['a b; rm *', '${out}'], cmd: 'fit ${item}'}}")
    assert [one.cmd for one in found.values()] == ["fit 'a b; rm *'", "fit '$${out}'"]
    assert list(found) == ["t@a-b--rm--", "t@--out-"]


def test_a_condition_may_speak_of_what_a_step_is_made_for() -> None:
    found = steps("steps: {t: {foreach: [a, b], cmd: x, when: \"item == 'a' and ${use}\"}}")
    assert [one.when for one in found.values()] == [
        "\"a\" == 'a' and true",
        "\"b\" == 'a' and true",
    ]


def test_an_empty_list_makes_no_step_and_nothing_is_needed_of_it() -> None:
    found = steps("steps: {t: {foreach: [], cmd: x}, sum: {cmd: y, deps: [{step: t}]}}")
    assert (list(found), found["sum"].steps) == (["sum"], ())


def test_other_parameters_make_other_steps() -> None:
    settings = read((PARAMS + "steps: {t: {foreach: '${seeds}', cmd: x}}").encode(), where="f")
    assert list(settings.steps) == ["t@1", "t@2"]
    assert list(expand(settings.written_steps, {**settings.params, "seeds": [7]})) == ["t@7"]
    assert list(settings.written_steps) == ["t"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("deps: [{}]", "'steps.one.deps[0]' must name one thing", "write a path"),
        ("deps: [{env: A, model: b}]", "'steps.one.deps[0]' must name one thing", None),
        ("deps: [{env: A, path: b}]", "'steps.one.deps[0].path' is not a known key", None),
        ("deps: [{step: oen}]", "'steps.one.deps[0].step' is 'oen', which is no step", None),
        (
            "deps: [{model: m, path: ../x}]",
            "'steps.one.deps[0].path' is '../x', which is not a",
            None,
        ),
        ("deps: ['env:A']", "'steps.one.deps[0]' is 'env:A'", "write {env: A}"),
        ("deps: ['${otu}']", "'steps.one.deps[0]' names '${otu}', which is not in params", "did"),
        (
            "deps: [a, '${seeds}']",
            "'steps.one.deps[1]' names '${seeds}', which is a list",
            "name one",
        ),
        ("params: [{a.txt: [b]}]", "'steps.one.params[0].a.txt' is not a file of param", "name"),
        ("outs: [{a: {}, b: {}}]", "'steps.one.outs[0]' must name one path", "write it as in"),
        ("outs: [{a: {cach: true}}]", "'steps.one.outs[0].a.cach' is not a known key", "did you"),
        ("outs: [{a: {on_failure: x}}]", "'steps.one.outs[0].a.on_failure' is 'x'", "known here"),
        ("outs: ['a/*.csv']", "'steps.one.outs[0]' has 'a/*.csv', which is a pattern", "name a"),
        ("outs: ['${out}/../..']", "'steps.one.outs[0]' is 'made/../..', which is not a", None),
        ("outs: [a, a]", "'steps.one.outs[1]' names 'a' again", "delete"),
        ("outs: [a, a/b]", "'steps.one.outs[1]' is 'a/b', but step 'one' writes 'a'", None),
        ("outs: [a/b, a]", "'steps.one.outs[1]' is 'a', but step 'one' writes 'a/b'", None),
        ("when: use &&", "'steps.one.when'", None),
        ("when: usee", "'steps.one.when' names 'usee', which is not in params", "did you mean"),
        ("timeout: soon", "'steps.one.timeout' is 'soon', which is no time", "as in 90s"),
        ("timeout: 0", "'steps.one.timeout' is '0', which is no time", None),
        ("retries: -1", "'steps.one.retries' is -1, must be at least 0", None),
        ("env: {1a: b}", "'steps.one.env.1a' is not the name of a variable", "use letters"),
        ("resources: {gpu: 1}", "'steps.one.resources.gpu' names 'gpu', and nothing says", "write"),
        ("notebook: a.ipynb", "'steps.one' has both cmd and notebook", "keep one"),
        ("foreach: x", "'steps.one.foreach' must be a list, or name one, not 'x'", "write [a"),
        ("foreach: '${otu}'", "'steps.one.foreach' names '${otu}', which is not in", "did you"),
        ("foreach: '${out}'", "'steps.one.foreach' names '${out}', which is no list", None),
        ("foreach: [a], matrix: {b: [c]}", "'steps.one.matrix' is there beside foreach", "keep"),
        ("matrix: {}", "'steps.one.matrix' must not be empty", "as in"),
        ("matrix: {a: b}", "'steps.one.matrix.a' must be a list, or name one, not 'b'", None),
        (
            "matrix: {a: '${names}'}",
            "'steps.one.matrix.a' names '${names}', which is no list",
            None,
        ),
        ("foreach: ['a b', a-b]", "'steps.one.foreach' makes 'one@a-b' twice", "let no two"),
        (
            "foreach: [a, b], outs: [x]",
            "'steps.one.outs[0]' is 'x' of 'one@b', but step 'one@a' writes 'x'",
            "let ${key} be part of its path",
        ),
        (
            "foreach: [{a: 1}], outs: ['${item.b}']",
            "'steps.one.foreach' has no 'b' for 'one@0', which '${item.b}' names",
            "known here: a",
        ),
        ("foreach: [..], outs: ['${item}/x']", "'steps.one.outs[0]' is '../x', which is not", None),
    ],
)
def test_a_mistake_is_named_with_line_and_key(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(RequestError) as caught:
        step(text)
    assert caught.value.message.startswith(f".mlops.yaml:2: {message}")
    assert (caught.value.hint or "").startswith(hint or "")


def test_a_template_without_quotes_in_brackets_says_so() -> None:
    with pytest.raises(RequestError) as caught:
        steps("steps:\n  a:\n    cmd: x\n    outs: [${out}]\n")
    assert caught.value.message.startswith(".mlops.yaml:5: is not valid YAML")
    assert caught.value.hint == "inside [] and {}, put text that holds ${...} in quotes"


def test_a_matrix_that_explodes_is_told_before_it_is_made() -> None:
    many = f"[{', '.join(map(str, range(100)))}]"
    lists = ", ".join(f"{name}: {many}" for name in "abcdefgh")
    begun = time.perf_counter()
    with pytest.raises(RequestError) as caught:
        step(f"matrix: {{{lists}}}")
    assert time.perf_counter() - begun < 2
    assert caught.value.message == (
        ".mlops.yaml:2: 'steps.one.matrix' makes 10,000,000,000,000,000 steps, "
        "and at most 1,000 are let"
    )
    assert "max_steps: " in (caught.value.hint or "")
    text = "max_steps: 3\nsteps: {a: {cmd: x, foreach: [1, 2, 3]}}"
    assert len(steps(text)) == 3
    with pytest.raises(RequestError, match="makes 4 steps, and at most 3 are let"):
        steps(text.replace("3]", "3, 4]"))


def test_more_than_there_is_of_a_resource_is_refused() -> None:
    with pytest.raises(RequestError, match=r"'steps.a.resources.gpu' takes 3, and there is 2"):
        steps("resources: {gpu: 2}\nsteps: {a: {cmd: x, resources: {gpu: 3}}}")
    assert steps("resources: {gpu: 2}\nsteps: {a: {cmd: x, resources: {gpu: 2}}}")[
        "a"
    ].resources == {
        "cpus": 1,
        "gpu": 2,
    }


def test_without_the_file_of_parameters_what_hangs_on_it_stays_as_written() -> None:
    text = b"params: p.yaml\nsteps: {a: {cmd: x, foreach: '${s}'}, b: {cmd: y, outs: ['${o}/*']}}"
    assert [one.outs for one in read(text, where="f").steps.values()] == [(Out("${o}/*"),)]


def test_a_thousand_steps_are_made_in_no_time() -> None:
    many = ", ".join(map(str, range(1000)))
    text = f"steps: {{t: {{foreach: [{many}], cmd: 'x ${{item}}', outs: ['out/${{key}}/m']}}}}"
    settings = read(text.encode(), where="f")
    begun = time.perf_counter()
    assert len(expand(settings.written_steps, {})) == 1000
    assert time.perf_counter() - begun < 1


_TEXTS = st.sampled_from(["a", "${item}", "${seeds}", "$${x}", "../b", "*", "${key}/${out}", ""])


@given(
    st.dictionaries(
        st.sampled_from(["cmd", "deps", "outs", "foreach", "matrix", "when", "params", "env"]),
        _TEXTS | st.lists(_TEXTS, max_size=3) | st.dictionaries(_TEXTS, _TEXTS, max_size=2),
    )
)
def test_whatever_is_written_gives_steps_or_one_line(given_step: dict[str, Any]) -> None:
    import json

    text = json.dumps({"params": {"seeds": [1, 2], "out": "o"}, "steps": {"one": given_step}})
    with suppress(RequestError):
        read(text.encode(), where="f")
