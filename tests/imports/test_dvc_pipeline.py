"""Stages of `dvc.yaml` become steps where a step can say the same; all else is listed."""

from typing import Any

import pytest

from mlops_cli.imports.dvc_pipeline import read

PARAMS = {"seed": 7, "train": {"lr": 0.1}}


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


def test_parameters_of_other_files_make_these_dependencies() -> None:
    assert step("{cmd: fit, params: [other.yaml: [a], params.yaml: , gone]}") == {
        "cmd": "fit",
        "deps": ["other.yaml", "params.yaml"],
    }


def test_metrics_that_are_no_numbers_are_outputs() -> None:
    assert step("{cmd: fit, metrics: [m.tsv], plots: [p.csv: {x: a}]}") == {
        "cmd": "fit",
        "outs": ["m.tsv", "p.csv"],
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{foreach: [a], do: {cmd: x}}", "is made from a template"),
        ("{cmd: 'x ${none}'}", "has '${none}', which is no parameter"),
        ("{cmd: 'x ${train}'}", "which is a group of parameters"),
        ("{cmd: x, outs: [/tmp/x]}", "has '/tmp/x', which is outside the project"),
        ("{cmd: x, outs: [a: {persist: true}]}", "keeps 'a' from run to run"),
        ("{cmd: x, frozen: true}", "is frozen"),
        ("{outs: [x]}", "has no command"),
    ],
)
def test_what_has_no_like_is_listed(text: str, says: str) -> None:
    (told,) = read("dvc.yaml", f"stages:\n  fit: {text}\n".encode(), PARAMS).unmapped
    assert told.startswith("stage 'fit' ")
    assert says in told
