"""Stages of `dvc.yaml` become steps where a step can say the same; all else is listed."""

from pathlib import Path
from typing import Any

import pytest

from mlops_cli.imports.dvc_pipeline import read
from mlops_cli.runs.param_files import ParamFiles

PARAMS = {"seed": 7, "train": {"lr": 0.1}, "sizes": [3, 4]}


def step(text: str) -> dict[str, Any]:
    made = read("dvc.yaml", f"stages:\n  fit: {text}\n".encode(), PARAMS)
    assert made.unmapped == []
    return made.steps["fit"]


def test_a_stage_is_a_step() -> None:
    assert step(
        "{cmd: fit, deps: [a.csv], params: [seed, train.lr], outs: [model], metrics: [m.json]}"
    ) == {
        "cmd": "fit",
        "deps": ["a.csv"],
        "params": ["seed", "train.lr"],
        "outs": ["model"],
        "metrics": ["m.json"],
    }


def test_commands_in_a_row_stop_at_the_first_that_fails() -> None:
    assert step("{cmd: [one, two]}") == {"cmd": "one && two"}


def test_templates_stay_in_commands_and_are_filled_in_in_paths() -> None:
    assert step('{cmd: "fit ${train.lr} $HOME", outs: ["m-${seed}"]}') == {
        "cmd": "fit ${train.lr} $HOME",
        "outs": ["m-7"],
    }


def test_a_folder_to_work_in_is_part_of_the_command_and_the_paths() -> None:
    assert step("{cmd: fit, wdir: sub dir, deps: [../a.csv], outs: [m]}") == {
        "cmd": "cd 'sub dir' && fit",
        "deps": ["a.csv"],
        "outs": ["sub dir/m"],
    }


def test_parameters_of_other_files_stay_so_and_what_is_none_is_a_dependency() -> None:
    assert step(
        "{cmd: fit, params: [other.yaml: [a], all.toml: , a.py: [b], params.yaml: , gone]}"
    ) == {
        "cmd": "fit",
        "params": [{"other.yaml": ["a"]}, {"all.toml": None}],
        "deps": ["a.py", "params.yaml"],
    }


def test_parameters_that_a_file_does_not_have_make_it_a_dependency(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: 1\n")
    text = b"stages: {fit: {cmd: fit, params: [other.yaml: [b], none.yaml: [a]]}}"
    made = read("dvc.yaml", text, PARAMS, ParamFiles(tmp_path))
    assert made.steps["fit"] == {"cmd": "fit", "deps": ["other.yaml", "none.yaml"]}


def test_outputs_keep_what_is_said_of_them() -> None:
    assert step(
        "{cmd: fit, metrics: [m.tsv, m.json: {cache: false}], outs: [a: {persist: true}, b], "
        "plots: [p.csv: {x: a, y: [b, c], template: linear}, p.png]}"
    ) == {
        "cmd": "fit",
        "outs": [{"a": {"persist": True}}, "b", "m.tsv", "p.png"],
        "metrics": [{"m.json": {"cache": False}}],
        "plots": [{"p.csv": {"x": "a", "y": ["b", "c"]}}],
    }


def test_a_frozen_stage_is_a_frozen_step() -> None:
    assert step("{cmd: x, frozen: true, desc: the first}") == {
        "cmd": "x",
        "frozen": True,
        "desc": "the first",
    }


@pytest.mark.parametrize(
    ("text", "loop", "stages"),
    [
        ("foreach: [a, 2, x y]", {"foreach": ["a", 2, "x y"]}, {"a": "a", "2": "2", "x y": "x-y"}),
        ("foreach: {k: {n: 1}}", {"foreach": {"k": {"n": 1}}}, {"k": "k"}),
        ("foreach: [{n: 1}, {n: 2}]", {"foreach": [{"n": 1}, {"n": 2}]}, {"0": "0", "1": "1"}),
        ("foreach: '${sizes}'", {"foreach": "${sizes}"}, {"3": "3", "4": "4"}),
    ],
)
def test_a_stage_for_each_of_a_list_is_a_step_for_each(
    text: str, loop: dict[str, Any], stages: dict[str, str]
) -> None:
    body = 'do: {cmd: "fit ${item} ${seed}", outs: ["o-${key}-${seed}"]}'
    made = read("dvc.yaml", f"stages: {{f: {{{text}, {body}}}}}".encode(), PARAMS)
    assert made.steps == {"f": {**loop, "cmd": "fit ${item} ${seed}", "outs": ["o-${key}-7"]}}
    assert made.stages == {f"f@{theirs}": f"f@{ours}" for theirs, ours in stages.items()}
    assert made.needs_params


def test_a_matrix_stays_a_matrix() -> None:
    text = "stages: {f: {matrix: {m: [a, b], s: '${sizes}', d: [{x: 1}]}, cmd: 'x ${item.m}'}}"
    made = read("dvc.yaml", text.encode(), PARAMS)
    assert made.steps["f"]["matrix"] == {"m": ["a", "b"], "s": "${sizes}", "d": [{"x": 1}]}
    assert made.stages["f@b-4-d0"] == "f@b-4-0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{foreach: '${none}', do: {cmd: x}}", "has '${none}', which is no parameter"),
        ("{foreach: '${seed}', do: {cmd: x}}", "is made for each of 7, which is no list"),
        ("{cmd: 'x ${none}'}", "has '${none}', which is no parameter"),
        ("{cmd: 'x ${train}'}", "which is a group of parameters"),
        ("{cmd: x, outs: [/tmp/x]}", "has '/tmp/x', which is outside the project"),
        ("{cmd: x, always_changed: true}", "is always run"),
        ("{outs: [x]}", "has no command"),
    ],
)
def test_what_has_no_like_is_listed(text: str, says: str) -> None:
    (told,) = read("dvc.yaml", f"stages:\n  fit: {text}\n".encode(), PARAMS).unmapped
    assert told.startswith("stage 'fit' ")
    assert says in told
