"""`mlo monitor` as it is typed: what it prints, and its exit codes."""

import json
from pathlib import Path

import pytest

from tests.conftest import Mlo
from tests.monitor.conftest import Shop, shop, table
from tests.monitor.watch.conftest import Hook, hook

__all__ = ["hook", "shop"]


@pytest.fixture
def watched(shop: Shop) -> Path:
    """Return a project whose model is asked something else, with rules."""
    frame = table(200, 2).drop(columns="price")
    shop.answer(shop.register(), frame.assign(width=frame["width"] + 1))
    (shop.root / ".mlops.yaml").write_text(
        "monitor:\n"
        "  actions: {note: {command: 'cat >> told'}}\n"
        "  rules:\n"
        "    inputs: {drift: churn, severity: critical, actions: note}\n"
        "    asked: {volume: churn, min: 1}\n"
    )
    return shop.root


def test_once_tells_how_rules_stand_and_exits_with_1(watched: Path, mlo_here: Mlo) -> None:
    done = mlo_here("monitor", "--once", code=1)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["state", "rule", "model", "why"]
    assert lines[1].startswith("firing  inputs  churn v1  1 of 2 columns (width) drifted, since 20")
    assert lines[2].startswith("ok      asked   churn     200 predictions in 1 h")
    assert lines[3:] == ["1 rule broken"]
    assert done.stderr.splitlines() == [
        "firing: inputs of churn v1 (critical): 1 of 2 columns (width) drifted",
        "note: it ended with 0",
    ]
    assert json.loads((watched / "told").read_text())["model"] == "churn"
    assert mlo_here("monitor", "--once", "--rule", "asked").code == 0
    status = mlo_here("monitor", "status", code=1)
    assert status.stdout.splitlines()[1] == lines[1]
    assert "no monitor is at work" in status.stderr
    shown = mlo_here("audit", "churn@v1").stdout
    assert "alert firing" in shown
    assert "alert action note" in shown
    assert "inputs firing" in mlo_here("trace", "churn@v1", "--down").stdout


def test_once_prints_json_and_writes_metrics(watched: Path, mlo_here: Mlo, tmp_path: Path) -> None:
    page = tmp_path / "mlo.prom"
    done = mlo_here("monitor", "--once", "--json", "--textfile", page, code=1)
    first = done.json["rules"][0]
    assert (first["rule"], first["state"], first["version"]) == ("inputs", "firing", 1)
    assert "model_feature_drift{" in page.read_text()
    hint = mlo_here("monitor", "--once", "--textfile", "mlo.txt", code=2).stderr
    assert "--textfile mlo.prom" in hint


def test_a_dry_run_says_what_would_be_done(watched: Path, mlo_here: Mlo) -> None:
    shown = mlo_here("monitor", "--dry-run", code=1).stdout
    assert "would run cat >> told: firing: inputs of churn v1" in shown
    assert not (watched / "told").exists()
    assert "nothing" not in mlo_here("audit").stdout
    assert "alert" not in mlo_here("audit").stdout


def test_once_beside_a_monitor_at_work_says_so_and_exits_with_3(
    watched: Path, mlo_here: Mlo
) -> None:
    from mlops_cli.core.repository import open_repository
    from mlops_cli.monitor.watch import lead

    with lead.leading(open_repository(watched)):
        refused = mlo_here("monitor", "--once", code=3).stderr
        assert "watches this repository already" in refused
        assert mlo_here("monitor", "--dry-run", code=1).stdout
        assert mlo_here("monitor", "status", code=0).stderr == ""


def test_the_status_is_told_without_writing_anything(watched: Path, mlo_here: Mlo) -> None:
    from mlops_cli.core.repository import open_repository

    monitor = open_repository(watched).layout.monitor
    assert "not checked yet" in mlo_here("monitor", "status").stdout
    assert not monitor.exists()
    mlo_here("monitor", "--once", code=1)
    (monitor / "lock").unlink()
    assert "no monitor is at work" in mlo_here("monitor", "status", code=1).stderr
    assert not (monitor / "lock").exists()


def test_a_rule_is_silenced_for_a_while(watched: Path, mlo_here: Mlo) -> None:
    said = mlo_here("monitor", "silence", "inputs", "3h", "--reason", "a test").stdout
    assert said.startswith("nobody is told of inputs until 20")
    assert "inputs is silenced until" in mlo_here("monitor", "--once", code=1).stdout
    assert not (watched / "told").exists()
    assert mlo_here("monitor", "silence", "inputs", "--end").stdout == "inputs is told again\n"
    assert "there is no rule 'input'" in mlo_here("monitor", "silence", "input", code=2).stderr
    assert "was not silenced" in mlo_here("monitor", "silence", "inputs", "--end").stdout
    refused = mlo_here("monitor", "silence", "inputs", "5x", code=2).stderr
    assert "'5x' is no time" in refused
    assert "try: mlo monitor silence inputs 2h" in refused
    assert "silence" in mlo_here("audit").stdout


def test_an_action_is_tried_out(watched: Path, mlo_here: Mlo, hook: Hook) -> None:
    (watched / ".mlops.yaml").write_text(
        f"monitor: {{actions: {{pager: {{webhook: '{hook.url}'}}}},"
        " rules: {asked: {volume: churn, min: 1}}}\n"
    )
    assert mlo_here("monitor", "try", "pager").stdout.endswith("answered 200\n")
    assert json.loads(hook.bodies[0])["reason"].startswith("this is a test")
    hook.statuses = [404]
    assert "answered 404" in mlo_here("monitor", "try", "pager", code=5).stderr
    assert "did you mean 'pager'?" in mlo_here("monitor", "try", "pagr", code=2).stderr
    assert "tells nobody" in mlo_here("monitor", "try", "retrain", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--once", "--rule", "input"), "did you mean 'inputs'?"),
        (("--rule", "inputs"), "--rule goes with --once"),
        (("--once", "--listen", ":0"), "--listen is for a monitor that goes on"),
        (("--listen", "here"), "is no place to listen at"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    watched: Path, mlo_here: Mlo, arguments: tuple[str, ...], says: str
) -> None:
    assert says in mlo_here("monitor", *arguments, code=2).stderr


def test_a_project_without_rules_is_told_what_to_write(project: Path, mlo_here: Mlo) -> None:
    for arguments in ((), ("--once",), ("status",)):
        assert "there are no rules to check" in mlo_here("monitor", *arguments, code=2).stderr
