from pathlib import Path

import pytest

from tests.conftest import Mlo

SETTINGS = """\
params:
  seed: 7
steps:
  train:
    cmd: python train.py
    deps: [train.py]
models:
  churn:
    stages:
      production:
        gates:
          - {metric: auc, min: 0.9}
serving: {port: 9000}
"""


@pytest.fixture(autouse=True)
def settings(project: Path) -> None:
    (project / ".mlops.yaml").write_text(SETTINGS)


def test_each_setting_has_the_line_it_comes_from(mlo_here: Mlo) -> None:
    found = {one["key"]: (one["value"], one["origin"]) for one in mlo_here("config", "--json").json}
    assert found["params.seed"] == (7, ".mlops.yaml:2")
    assert found["steps.train.deps"] == (["train.py"], ".mlops.yaml:6")
    assert found["models.churn.stages.production.gates[0].min"] == (0.9, ".mlops.yaml:12")
    assert found["models.churn.stages.production.gates[0].tolerance"] == (0.0, "default")
    assert found["serving.port"] == (9000, ".mlops.yaml:13")
    assert found["serving.host"] == ("127.0.0.1", "default")
    assert "steps.train.name" not in found


def test_one_setting_is_printed_alone_for_scripts(mlo_here: Mlo) -> None:
    assert mlo_here("config", "serving.port").stdout == "9000\n"
    assert mlo_here("config", "steps.train.cmd").stdout == "python train.py\n"
    assert mlo_here("config", "steps.train.deps").stdout == '["train.py"]\n'
    assert mlo_here("config", "serving.port", "--json").json == {
        "key": "serving.port",
        "value": 9000,
        "origin": ".mlops.yaml:13",
    }


def test_a_part_lists_all_below_it(mlo_here: Mlo) -> None:
    lines = mlo_here("config", "steps").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["setting", "steps.train.cmd", "steps.train.deps"]
    gates = mlo_here("config", "models.churn.stages.production.gates", "--json").json
    assert len(gates) == 4


def test_it_is_found_from_a_folder_below(mlo_here: Mlo, project: Path) -> None:
    (project / "deep/er").mkdir(parents=True)
    assert mlo_here("config", "serving.port", cwd=project / "deep/er").stdout == "9000\n"


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("serving.prt", "did you mean 'serving.port'?"),
        ("zzz", "try: mlo config, which lists them all"),
    ],
)
def test_an_unknown_setting_is_refused(mlo_here: Mlo, key: str, hint: str) -> None:
    ended = mlo_here("config", key, code=2)
    assert ended.stderr == f"mlo: there is no setting '{key}'\n  {hint}\n"


def test_a_mistake_in_the_file_is_refused_with_its_line(mlo_here: Mlo, project: Path) -> None:
    (project / ".mlops.yaml").write_text("serving: {port: high}\n")
    ended = mlo_here("config", code=2)
    assert ended.stderr.startswith("mlo: .mlops.yaml:1: 'serving.port'")


def test_without_a_file_all_are_defaults(mlo_here: Mlo, project: Path) -> None:
    (project / ".mlops.yaml").unlink()
    assert {one["origin"] for one in mlo_here("config", "--json").json} == {"default"}
