"""`.mlops.yaml`: what it gives, and what each mistake in it says."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from mlops_cli.core import config, config_gates, origins, step_reader
from mlops_cli.core.config import (
    Encryption,
    RemoteSettings,
    Settings,
    load,
    read,
)
from mlops_cli.core.config_gates import MetricGate
from mlops_cli.core.config_models import ModelSettings, Stage
from mlops_cli.core.config_performance import PerformanceSettings
from mlops_cli.core.config_steps import Out, Step
from mlops_cli.core.config_sweeps import SweepSettings
from mlops_cli.errors import ExternalError, RequestError
from tests.conftest import unwatched

TOP = Path(__file__).parents[2]
EXAMPLE = TOP / ".mlops.example.yaml"

PROJECT = """\
params: {train: {trees: 100, depth: 5}, seed: 7}
steps:
  train:
    cmd: python train.py
    deps: [data/train.csv, ./train.py]
    params: [train.depth, seed]
    outs: [model/]
    metrics: [metrics.json]
models:
  cancer:
    path: model
    stages:
      staging:
      production: {requires: staging, gates: [{metric: auc, min: 0.95}]}
remotes: {origin: ../store}
drift: {q: 0.01}
"""


def gates(text: str) -> str:
    """Return settings with one stage `p` that has these gates."""
    return f"models: {{m: {{stages: {{p: {{gates: [{text}]}}}}}}}}"


def mistake(text: str) -> tuple[str, str | None]:
    with pytest.raises(RequestError) as caught:
        read(text.encode(), where=".mlops.yaml")
    return caught.value.message, caught.value.hint


def test_a_project_is_read_into_typed_settings() -> None:
    settings = read(PROJECT.encode(), where=".mlops.yaml")
    assert settings.params == {"train": {"trees": 100, "depth": 5}, "seed": 7}
    assert settings.steps == {
        "train": Step(
            name="train",
            cmd="python train.py",
            deps=("data/train.csv", "train.py"),
            params=("train.depth", "seed"),
            outs=(Out("model"),),
            metrics=(Out("metrics.json"),),
        )
    }
    production = Stage(requires="staging", gates=(MetricGate("auc", min=0.95),))
    assert settings.models == {
        "cancer": ModelSettings(path="model", stages={"staging": Stage(), "production": production})
    }
    assert settings.remotes == {"origin": RemoteSettings("../store")}
    assert settings.drift.q == 0.01
    assert settings.serving.port == 8000


@pytest.mark.parametrize("text", ["", "# nothing\n", "steps:\nmodels:\nserving:\nparams:\n"])
def test_whatever_is_left_out_has_its_default(text: str) -> None:
    assert read(text.encode(), where=".mlops.yaml") == Settings()


def test_a_missing_file_is_all_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / ".mlops.yaml") == Settings()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExternalError, match=r"cannot read '.*\.mlops\.yaml': is a directory"):
        (tmp_path / ".mlops.yaml").mkdir()
        load(tmp_path / ".mlops.yaml")


def test_a_command_may_be_a_list_of_words() -> None:
    settings = read(b"steps: {a: {cmd: [python, -c, 'print(1)', 2]}}", where="f")
    assert settings.steps["a"].cmd == ("python", "-c", "print(1)", "2")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("stesp: {}", "1: 'stesp' is not a known key", "did you mean 'steps'?"),
        (
            "steps:\n  a:\n    cmd: x\n    dep: [b]",
            "4: 'steps.a.dep' is not a known key",
            "did you mean 'deps'?",
        ),
        ("steps: {a: {deps: [b]}}", "1: 'steps.a' needs the key 'cmd'", "add cmd: ..."),
        ("steps: [a]", "1: 'steps' must be a mapping, not a list", None),
        (
            "steps: {a: python a.py}",
            "1: 'steps.a' must be a mapping, not the text 'python a.py'",
            None,
        ),
        ("steps: {a: {cmd: 3}}", "1: 'steps.a.cmd' must be text, not '3'", "put it in quotes"),
        ("steps: {a: {cmd: []}}", "1: 'steps.a.cmd' must not be empty", None),
        (
            "steps: {a: {cmd: x, deps: b}}",
            "1: 'steps.a.deps' must be a list, not the text 'b'",
            None,
        ),
        ("steps: {a: {cmd: x, deps: [b, b/]}}", "1: 'steps.a.deps[1]' names 'b' again", None),
        ("steps: {a b: {cmd: x}}", "1: 'steps.a b' is not a name that can be used", "use letters"),
        (
            "steps: {a: {cmd: x, params: [sead]}}\nparams: {seed: 1}",
            "1: 'steps.a.params[0]' names 'sead', which is not in params",
            "did you mean 'seed'?",
        ),
        (
            "steps: {a: {cmd: x, params: [t.deph]}}\nparams: {t: {depth: 1}}",
            "1: 'steps.a.params[0]' names 't.deph', which is not in params",
            "did you mean 't.depth'?",
        ),
        (
            "steps: {a: {cmd: x, params: [seed]}}",
            "1: 'steps.a.params[0]' names 'seed', which is not in params",
            "add it under params",
        ),
        (
            "steps: {a: {cmd: x, params: ['model.yaml:lr']}}",
            "1: 'steps.a.params[0]' names 'model.yaml:lr', which is not in params",
            "those of a file: {model.yaml: [lr]}",
        ),
        (
            "steps: {a: {cmd: look.ipynb}}",
            "1: 'steps.a.cmd' is the notebook 'look.ipynb'",
            "notebook: look.ipynb",
        ),
        ("params: [1]", "1: 'params' must be a mapping", None),
        ("params: {a.b: 1}", "1: 'params.a.b' has a '.' or nothing as its key", "nest"),
        (
            "params: {a: no}",
            "1: 'params.a' is no, which YAML 1.1 and 1.2 read differently",
            "write true or false",
        ),
        (
            "models: {m: {stages: {p: {requires: q}}}}",
            "1: 'models.m.stages.p.requires' is 'q'",
            "known here: p",
        ),
        (
            "models: {m: {stages: {p: {requires: p}}}}",
            "1: 'models.m.stages.p' requires itself",
            None,
        ),
        (gates("{metric: a}"), "1: 'models.m.stages.p.gates[0]' asks for nothing", "give it min"),
        (gates("{min: 1}"), "1: 'models.m.stages.p.gates[0]' is no gate", "give it one of: metric"),
        (
            gates("{metric: a, min: 2, max: 1}"),
            "1: 'models.m.stages.p.gates[0]' can never pass",
            None,
        ),
        (
            gates("{metric: a, min: high}"),
            "1: 'models.m.stages.p.gates[0].min' must be a number, not the text 'high'",
            None,
        ),
        (
            gates("{metric: a, not_worse_than: prod}"),
            "1: 'models.m.stages.p.gates[0].not_worse_than' is 'prod'",
            "known here: p",
        ),
        ("serving: {port: 70000}", "1: 'serving.port' is 70000, must be at most 65535", None),
        (
            "serving: {port: '80'}",
            "1: 'serving.port' must be a whole number, not the text '80'",
            None,
        ),
        ("drift: {q: 1.5}", "1: 'drift.q' is 1.5, must be at most 1", None),
        ("drift: {q: .nan}", "1: 'drift.q' must be a finite number", None),
        ("remotes: {origin: [a]}", "1: 'remotes.origin' must be text, not a list", None),
        ("remotes: {a: {encryption: {}}}", "1: 'remotes.a' needs the key 'url'", None),
        (
            "remotes: {a: {url: x, encryption: {}}}",
            "1: 'remotes.a.encryption' must say where the key is",
            "give it key_file or key_env",
        ),
        (
            "remotes: {a: {url: x, encryption: {key_file: k, key_env: K}}}",
            "1: 'remotes.a.encryption' must say where the key is",
            None,
        ),
        (
            "remotes: {a: {url: x, encryption: {key: aGVsbG8=}}}",
            "1: 'remotes.a.encryption.key' is not a known key",
            None,
        ),
        (
            "remotes: {a: {url: x, encryption: {key_env: 'a b'}}}",
            "1: 'remotes.a.encryption.key_env' is not the name of a variable",
            None,
        ),
        ("a: 1\n<<<<<<< HEAD\n", "2: has a merge-conflict marker", "keep one side"),
    ],
)
def test_a_mistake_is_named_with_line_and_key(text: str, message: str, hint: str | None) -> None:
    said, advice = mistake(text)
    assert said.startswith(".mlops.yaml:" + message)
    assert (advice or "").startswith(hint or "")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", ".", ".git/config", ".mlo/refs"]
)
def test_a_path_must_stay_inside_the_project(path: str) -> None:
    said, _ = mistake(f"steps: {{a: {{cmd: x, deps: [{path}]}}}}")
    assert f"'steps.a.deps[0]' is '{path}', which" in said


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("./a", "a/")]
)
def test_two_steps_do_not_write_the_same_output(first: str, second: str) -> None:
    said, _ = mistake(
        f"steps:\n  one: {{cmd: x, outs: [{first}]}}\n  two: {{cmd: y, metrics: [{second}]}}\n"
    )
    assert said.startswith(".mlops.yaml:3: 'steps.two.metrics[0]' is ")
    assert "but step 'one' writes" in said


def test_a_password_is_refused_and_not_repeated() -> None:
    said, hint = mistake("remotes: {origin: 's3://me:hunter2@host/bucket'}")
    assert said == (
        ".mlops.yaml:1: 'remotes.origin' holds a password, and this file is committed to git"
    )
    assert "hunter2" not in said + str(hint)


def test_an_encrypted_remote_says_where_its_key_is() -> None:
    text = "remotes: {a: {url: x, encryption: {key_file: ~/k}}, b: {url: y}}"
    assert read(text.encode(), where=".mlops.yaml").remotes == {
        "a": RemoteSettings("x", Encryption(key_file="~/k")),
        "b": RemoteSettings("y"),
    }


def test_lookup_follows_dots() -> None:
    assert config.lookup({"a": {"b": 1}}, "a") == {"b": 1}
    for missing in ("a.c", "a.b.c", "x"):
        with pytest.raises(KeyError):
            config.lookup({"a": {"b": 1}}, missing)


def test_the_example_explains_every_setting() -> None:
    import yaml

    given = yaml.safe_load(EXAMPLE.read_text())
    missing = sorted(set(_every(Settings)) - set(_present(given, Settings)))
    assert missing == []
    assert load(EXAMPLE).serving == config.Serving(), "the example shows the defaults"
    assert load(EXAMPLE).drift == config.DriftSettings(), "the example shows the defaults"
    assert load(EXAMPLE).hooks == config.HookSettings(), "the example shows the defaults"
    assert load(EXAMPLE).max_steps == config.Settings().max_steps


def test_the_example_explains_all_that_a_step_can_say() -> None:
    import yaml

    steps = yaml.safe_load(EXAMPLE.read_text())["steps"].values()
    assert {key for step in steps for key in step} == set(step_reader.KEYS)
    listed = {
        key: [one for step in steps for one in step.get(key, ()) if isinstance(one, dict)]
        for key in ("deps", "outs", "plots")
    }
    assert {key for one in listed["deps"] for key in one} == {*step_reader.KINDS, "path"}
    for key, known in (("outs", step_reader.OUT_KEYS), ("plots", step_reader.PLOT_KEYS)):
        said = {inner for one in listed[key] for options in one.values() for inner in options}
        assert said == set(known) - (set(step_reader.OUT_KEYS) if key == "plots" else set())


def test_the_example_explains_all_that_a_gate_can_say() -> None:
    import yaml

    stages = yaml.safe_load(EXAMPLE.read_text())["models"]["churn"]["stages"]
    given = [gate for stage in stages.values() for gate in stage.get("gates", ())]
    kinds = {next(iter(gate)) for gate in given}
    read = load(EXAMPLE).models["churn"].stages["production"].gates
    assert {type(gate) for gate in read} == set(get_args(config_gates.Gate))
    assert kinds == set(config_gates.KINDS)
    said = {key for gate in given if "metric" in gate for key in gate}
    assert said == {field.name for field in dataclasses.fields(MetricGate)}


def test_every_key_of_the_example_has_a_comment() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for name in ("serving", "drift", "hooks"):
        start = lines.index(f"{name}:")
        assert lines[start - 1].startswith("#")


def _every(kind: Any, above: str = "") -> Iterator[str]:
    """Yield each setting that the dataclasses have; names that users choose are `*`."""
    for name, hint in _hints(kind).items():
        if kind is Settings and name == "written_steps":
            continue
        yield above + name
        inner = _dataclass_in(hint)
        if inner not in (None, Step):  # what a step can say has a test of its own
            yield from _every(inner, f"{above}{name}.")


def _present(value: Any, kind: Any, above: str = "") -> Iterator[str]:
    hints = _hints(kind)
    if isinstance(value, str):  # a remote may be written as just its URL
        return
    for name, inner_value in value.items():
        yield above + name
        hint = hints[name]
        inner = _dataclass_in(hint)
        if inner in (None, Step):
            continue
        if hint in (inner, inner | None):
            parts = [inner_value]
        else:
            parts = inner_value if isinstance(inner_value, list) else list(inner_value.values())
        for part in parts:
            yield from _present(part, inner, f"{above}{name}.")


def _hints(kind: Any) -> dict[str, Any]:
    known = {"Gate": Any, "ModelSettings": ModelSettings, "SweepSettings": SweepSettings}
    known["PerformanceSettings"] = PerformanceSettings
    # gates and rules of the monitor have tests of their own
    return get_type_hints(kind, localns={**known, "Monitor": Any})


def _dataclass_in(hint: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return hint
    return next((arg for arg in get_args(hint) if dataclasses.is_dataclass(arg)), None)


def test_settings_load_without_what_makes_status_slow() -> None:
    code = (
        "import sys; from pathlib import Path; from mlops_cli.core.config import load;"
        f"load(Path({str(EXAMPLE)!r}));"
        "print(*sorted({'difflib', 'subprocess', 'logging'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=unwatched(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("kept", [".mlops.yaml", "mlo.lock", "data/raw.csv.mlo", "data/.gitignore"])
@pytest.mark.parametrize("field_name", ["outs", "metrics"])
def test_a_step_may_not_write_what_mlo_or_git_keeps(kept: str, field_name: str) -> None:
    text = f"steps: {{a: {{cmd: 'true', {field_name}: [{kept}]}}}}\n"
    with pytest.raises(RequestError, match="keeps"):
        config.read(text.encode(), where=".mlops.yaml")


@pytest.mark.parametrize("closed", ["sub/.git/hooks/x", "sub/.GIT/x", "sub/.mlo/refs"])
def test_a_step_may_not_reach_into_a_store_that_lies_deeper(closed: str) -> None:
    text = f"steps: {{a: {{cmd: 'true', outs: [{closed}]}}}}\n"
    with pytest.raises(RequestError, match="belongs to"):
        config.read(text.encode(), where=".mlops.yaml")


def test_the_key_of_a_table_is_one_column_or_several() -> None:
    settings = read(b"data: {./data/raw.csv: {key: id}, visits: {key: [user, day]}}", where="x")
    assert {path: one.key for path, one in settings.data.items()} == {
        "data/raw.csv": ("id",),
        "visits": ("user", "day"),
    }
    assert mistake("data: {a.csv: {key: []}}")[0].endswith("'data.a.csv.key' names no column")
    assert "is '../a.csv', which is not" in mistake("data: {../a.csv: {key: id}}")[0]


def test_parameters_may_be_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("train:\n  lr: 0.1\nseed: 7\n")
    settings = tmp_path / ".mlops.yaml"
    settings.write_text("params: params.yaml\nsteps:\n  fit: {cmd: fit, params: [train.lr]}\n")
    assert config.load(settings).params == {"train": {"lr": 0.1}, "seed": 7}
    found = {one.key: one.origin for one in origins.settings(settings)}
    assert found["params.train.lr"] == "params.yaml:2"
    assert found["steps.fit.cmd"] == ".mlops.yaml:3"


def test_keys_of_the_file_of_parameters_are_parameters_that_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("train:\n  lr: 0.1\nseed: 7\n")
    settings = tmp_path / ".mlops.yaml"
    settings.write_text(
        "params: params.yaml\nsteps:\n"
        "  fit: {cmd: fit, params: [seed, {params.yaml: [train.lr]}, {o.toml: [a]}]}\n"
        "  all: {cmd: all, params: [{params.yaml: }]}\n"
    )
    steps = config.load(settings).steps
    assert steps["fit"].params == ("seed", "train.lr")
    assert dict(steps["fit"].param_files) == {"o.toml": ("a",)}
    assert (steps["all"].params, dict(steps["all"].param_files)) == (("train", "seed"), {})
    settings.write_text(settings.read_text().replace("[train.lr]", "[train.rl]"))
    with pytest.raises(RequestError, match=r"mlops\.yaml:3: .* names 'train\.rl', which is not in"):
        config.load(settings)


@pytest.mark.parametrize(
    ("named", "held", "says"),
    [
        ("../params.yaml", "seed: 7", "not a path inside the project"),
        ("none.yaml", "seed: 7", "cannot be read: no such file"),
        ("params.yaml", "- 7", "must be a mapping"),
        ("params.yaml", "seeds: 7", "which is not in params"),
    ],
)
def test_a_file_of_parameters_that_will_not_do_is_told(
    tmp_path: Path, named: str, held: str, says: str
) -> None:
    (tmp_path / "params.yaml").write_text(held)
    settings = tmp_path / ".mlops.yaml"
    settings.write_text(f"params: {named}\nsteps:\n  fit: {{cmd: fit, params: [seed]}}\n")
    with pytest.raises(RequestError, match=says):
        config.load(settings)
