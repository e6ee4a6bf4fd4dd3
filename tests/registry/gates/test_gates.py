"""Each kind of gate passes what it should, refuses the rest, and what it cannot compute."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from mlops_cli.cli.commands.promote import drifted
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.registry import formats, models, signature
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.gates.asked import Asked, GateResult
from mlops_cli.registry.gates.check import check
from mlops_cli.registry.promote import promote, rollback, rules_of
from mlops_cli.registry.register import register

STAGES = "models: {{churn: {{target: left, {more}stages: {{production: {{gates: [{gates}]}}}}}}}}\n"
DATA = "data: data/test.csv"


def people(rows: int, seed: int, *, older: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows) + older
    income = rng.normal(3, 1, rows)
    left = (age + 8 * income + rng.normal(0, 8, rows) > 75).astype(int)
    return pd.DataFrame(
        {
            "age": age.astype(float),
            "income": income,
            "region": np.where(rng.random(rows) < 0.5, "north", "south"),
            "sex": np.where(rng.random(rows) < 0.5, "f", "m"),
            "left": left,
        }
    )


@dataclass
class Lab:
    """A project with v1 in production, and versions that differ from it."""

    root: Path

    def judge(self, version: int, gates: str, *, more: str = "") -> list[GateResult]:
        (self.root / ".mlops.yaml").write_text(STAGES.format(gates=gates, more=more))
        repo = open_repository(self.root)
        model = models.model(repo, "churn")
        asked = Asked(repo, model, model.version(version), "production", drifted(repo))
        return list(check(asked, rules_of(repo, "churn", "production")))

    def one(self, version: int, gate: str, *, more: str = "") -> GateResult:
        (found,) = self.judge(version, gate, more=more)
        return found


GUESSES, BETTER, SAME, NARROW, BLIND = 1, 2, 3, 4, 5


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """v1 guesses; v2 is better; v3 hardly differs from v2; v4 takes less; v5 was not evaluated."""
    root = tmp_path_factory.mktemp("lab") / "project"
    repo = create(root)
    (root / ".mlops.yaml").write_text("models: {churn: {target: left}}\n")
    repo = open_repository(root)
    (root / "data").mkdir()
    people(300, 7).to_csv(root / "data/test.csv", index=False)
    train = people(400, 1)
    both = ["age", "income"]
    _register(repo, DummyClassifier(strategy="prior"), train, both)
    _register(repo, LogisticRegression(C=1.0, max_iter=500), train, both)
    _register(repo, LogisticRegression(C=0.9, max_iter=500), train, both)
    _register(repo, LogisticRegression(max_iter=500), train, [*both, "points"])
    for number in (GUESSES, BETTER, SAME):
        version = models.resolve(repo, f"churn@v{number}")
        evaluate(repo, version, "data/test.csv", slices=["region"], sensitive=["sex"])
    _register(repo, LogisticRegression(C=0.5, max_iter=500), train, both)
    promote(repo, f"churn@v{GUESSES}", "production")
    return Lab(root)


def _register(repo: Repository, model: Any, train: pd.DataFrame, columns: list[str]) -> None:
    frame = train.assign(points=1.0)[columns]
    fitted = model.fit(frame, train["left"])
    formats.save(fitted, repo.root / "model", signature.for_model(fitted, frame))
    register(repo, "churn", path=repo.root / "model")


def test_a_bound_on_an_evaluation_is_of_that_data_and_slice(lab: Lab) -> None:
    found = lab.one(BETTER, f"{{metric: accuracy, {DATA}, min: 0.8}}")
    assert (found.gate, found.passed) == ("accuracy on data/test.csv >= 0.8", True)
    assert len(found.evidence) == 1
    assert not lab.one(GUESSES, f"{{metric: accuracy, {DATA}, min: 0.8}}").passed
    found = lab.one(BETTER, f"{{metric: roc_auc, {DATA}, slice: region=north, min: 0.8}}")
    assert (found.gate, found.passed) == (
        "roc_auc on data/test.csv where region=north >= 0.8",
        True,
    )


@pytest.mark.parametrize(
    ("version", "gate", "why", "hint"),
    [
        (
            BLIND,
            f"{{metric: accuracy, {DATA}, min: 0}}",
            "v5 was never evaluated on data/test.csv@",
            "mlo evaluate churn@v5 --data data/test.csv",
        ),
        (
            BETTER,
            f"{{metric: accurracy, {DATA}, min: 0}}",
            "has no 'accurracy'; did you mean 'accuracy'?",
            None,
        ),
        (
            BETTER,
            f"{{metric: accuracy, {DATA}, slice: age=1, min: 0}}",
            "v2 was not evaluated by 'age'",
            "mlo evaluate churn@v2 --data data/test.csv --slice age",
        ),
        (
            BETTER,
            f"{{metric: accuracy, {DATA}, slice: region=norht, min: 0}}",
            "no rows where region=norht",
            "did you mean 'region=north'?",
        ),
        (
            BETTER,
            "{metric: accuracy, data: data/none.csv, min: 0}",
            "'data/none.csv' is not versioned",
            None,
        ),
        (BETTER, "{metric: accuracy, min: 0}", "v2 logged no 'accuracy'", "an evaluation has it"),
        (
            BETTER,
            f"{{fairness: demographic_parity_difference, of: region, {DATA}, max: 1}}",
            "v2 was not evaluated by 'region'",
            "mlo evaluate churn@v2 --data data/test.csv --sensitive region",
        ),
        (
            BLIND,
            "{latency: row, max: 1h}",
            "v5 was never evaluated, so nobody measured it",
            "mlo evaluate churn@v5",
        ),
        (BETTER, "{reproduced: true}", "v2 was made by no run that could be made again", None),
        (
            BETTER,
            "{drift: production}",
            "it is not known which table churn v1 was trained on",
            "set models.churn.data in .mlops.yaml",
        ),
        (BETTER, "{command: [no-such-program]}", "there is no program 'no-such-program'", "check"),
    ],
)
def test_what_cannot_be_computed_refuses_and_says_what_to_type(
    lab: Lab, version: int, gate: str, why: str, hint: str | None
) -> None:
    found = lab.one(version, gate)
    assert not found.passed
    assert why in found.why
    assert (found.hint or "").startswith(hint or "")


def test_an_evaluation_on_another_version_of_the_data_does_not_count(lab: Lab) -> None:
    table = lab.root / "data/test.csv"
    before = table.read_bytes()
    table.write_bytes(before + before.splitlines(keepends=True)[-1])
    try:
        found = lab.one(BETTER, f"{{metric: accuracy, {DATA}, min: 0}}")
    finally:
        table.write_bytes(before)
    assert not found.passed
    assert ", only on data/test.csv@" in found.why


def test_what_chance_does_not_explain_is_better(lab: Lab) -> None:
    found = lab.one(BETTER, f"{{metric: accuracy, {DATA}, better_than: production}}")
    assert found.passed
    assert " on the same 300 rows: by chance with p = " in found.why
    assert found.why.endswith("(McNemar's test)")
    assert len(found.evidence) == 2
    found = lab.one(BETTER, f"{{metric: log_loss, {DATA}, better_than: production}}")
    assert found.passed
    assert found.why.endswith("(a paired bootstrap)")
    for slice_ in ("north", "south"):
        gate = f"{{metric: accuracy, {DATA}, slice: region={slice_}, better_than: production}}"
        assert lab.one(BETTER, gate).passed


def test_noise_is_not_progress(lab: Lab) -> None:
    repo = open_repository(lab.root)
    promote(repo, f"churn@v{BETTER}", "production")
    try:
        for metric in ("accuracy", "roc_auc"):
            gate = f"{{metric: {metric}, {DATA}, better_than: production}}"
            assert not lab.one(SAME, gate).passed
            gate = f"{{metric: {metric}, {DATA}, not_worse_than: production, tolerance: 0.02}}"
            found = lab.one(SAME, gate)
            assert found.passed
            assert ": the loss may be up to 0.0" in found.why or ": no loss" in found.why
            assert not lab.one(GUESSES, gate).passed
    finally:
        rollback(repo, "churn", "production")


def test_a_gate_says_of_which_table_it_is_and_by_how_much_versions_differ(lab: Lab) -> None:
    """What a run logged and what an evaluation found do not read alike."""
    more = "evaluate: data/test.csv, "
    found = lab.one(BETTER, "{metric: accuracy, data: evaluation, min: 0.8}", more=more)
    assert found.gate == "accuracy on data/test.csv >= 0.8"
    assert lab.one(BETTER, "{metric: accuracy, min: 0.8}", more=more).gate == "accuracy >= 0.8"
    found = lab.one(BETTER, "{metric: accuracy, data: evaluation, min: 0.8}")
    assert found.gate == "accuracy of the evaluation >= 0.8"
    found = lab.one(BETTER, f"{{metric: accuracy, {DATA}, better_than: production}}")
    assert re.match(r"0\.\d+ against 0\.\d+ of v1 \(\+0\.\d+\) on the same 300 rows", found.why)


def test_a_bound_that_cannot_be_asked_is_still_told(lab: Lab) -> None:
    fair = "fairness: demographic_parity_difference"
    found = lab.judge(BLIND, f"{{{fair}, of: sex, {DATA}, min: 0, max: 0.1}}")
    name = "demographic_parity_difference of sex on data/test.csv"
    assert [one.gate for one in found] == [f"{name} >= 0", f"{name} <= 0.1"]
    assert {one.passed for one in found} == {False}
    assert found[0].hint == "mlo evaluate churn@v5 --data data/test.csv"
    assert lab.one(BETTER, "{latency: row, max: 1s}").gate == "one row within 1 s"


def test_an_empty_stage_has_nothing_to_be_compared_with(lab: Lab) -> None:
    more = "staging: {}, production: {gates: ["
    settings = f"models: {{churn: {{target: left, stages: {{{more}"
    settings += f"{{metric: accuracy, {DATA}, better_than: staging}}, {{drift: staging}},"
    settings += "{signature: compatible, with: staging}]}}}}\n"
    (lab.root / ".mlops.yaml").write_text(settings)
    repo = open_repository(lab.root)
    moved = promote(repo, f"churn@v{BETTER}", "production", dry_run=True)
    assert [one.why for one in moved.gates] == ["nothing is in staging yet"] * 3
    assert not moved.refused


def test_the_data_of_the_settings_are_what_evaluation_means(lab: Lab) -> None:
    gate = "{metric: accuracy, data: evaluation, min: 0.8}"
    assert lab.one(BETTER, gate, more="evaluate: data/test.csv, ").passed
    found = lab.one(BETTER, gate)
    assert "it is not known which table churn v2 is to be evaluated on" in found.why


def test_fairness_is_bounded(lab: Lab) -> None:
    gate = f"{{fairness: demographic_parity_difference, of: sex, {DATA}, max: "
    assert lab.one(BETTER, gate + "0.5}").passed
    assert not lab.one(BETTER, gate + "0.0001}").passed
    ratio = f"{{fairness: demographic_parity_ratio, of: sex, {DATA}, min: 0.5}}"
    assert lab.one(BETTER, ratio).passed


def test_latency_and_size_are_bounded(lab: Lab) -> None:
    for gate in ("{latency: row, max: 1h}", "{latency: batch, max: 1h}", "{size: 1GiB}"):
        assert lab.one(BETTER, gate).passed
    for gate in ("{latency: row, max: 0.001us}", "{size: 10B}"):
        assert not lab.one(BETTER, gate).passed


def test_a_version_that_takes_less_is_not_compatible(lab: Lab) -> None:
    assert lab.one(BETTER, "{signature: compatible}").passed
    found = lab.one(NARROW, "{signature: compatible}")
    assert not found.passed
    assert found.why == "'points' is new, and who asks v1 does not send it"


def test_a_command_knows_what_it_is_asked_about(
    lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    told = "echo $MLO_REFERENCE $MLO_STAGE $MLO_CURRENT; test -d $MLO_MODEL_PATH; echo HF_TOKEN=abc"
    found = lab.one(BETTER, f"{{command: '{told}', name: rules}}")
    assert (found.gate, found.passed) == ("rules", True)
    assert found.why == "it ended with 0: churn@v2 production 1 | HF_TOKEN=***"
    assert "churn@v2 production 1" in capfd.readouterr().err
    found = lab.one(BETTER, "{command: [sh, -c, 'echo no >&2; exit 3']}")
    assert (found.passed, found.why) == (False, "it ended with 3: no")


def test_a_command_that_takes_too_long_is_stopped(lab: Lab) -> None:
    found = lab.one(BETTER, "{command: sleep 60, timeout: 10ms}")
    assert (found.passed, found.why) == (False, "it was stopped after 0.01 s")


def test_a_command_runs_only_when_all_else_passes(lab: Lab) -> None:
    found = lab.judge(BETTER, "{command: touch ran}, {size: 1B}")
    assert [one.why for one in found][1] == "not run, as other gates refuse already"
    assert not (lab.root / "ran").exists()


def test_a_command_may_use_mlo_on_the_same_model(lab: Lab) -> None:
    """The store is not locked while gates are asked."""
    script = lab.root / "check.py"
    script.write_text(
        "from pathlib import Path\n"
        "from mlops_cli.core.repository import open_repository\n"
        "from mlops_cli.registry.promote import alias\n"
        "alias(open_repository(Path.cwd()), 'churn@v2', 'checked')\n"
    )
    (lab.root / ".mlops.yaml").write_text(
        STAGES.format(gates="{command: python check.py}", more="")
    )
    repo = open_repository(lab.root)
    try:
        moved = promote(repo, f"churn@v{BETTER}", "production")
        assert moved.moved, moved.gates
    finally:
        rollback(repo, "churn", "production")
