"""The rules and the dashboard that mlo gives for its monitor: what Prometheus makes of them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from mlops_cli.monitor.watch import errands, rounds
from mlops_cli.monitor.watch import page as pages
from mlops_cli.monitor.watch.page import FAMILIES
from tests.monitor.conftest import Shop
from tests.monitor.watch.conftest import Guard
from tests.servers.programs import program

TEMPLATES = Path(__file__).parents[3] / "templates"
RULES = TEMPLATES / "prometheus/monitor-rules.yml"
DASHBOARD = json.loads((TEMPLATES / "grafana/mlo-monitor.json").read_text())
STATE = "monitor_rule_state{rule='r',model='m',kind='drift',severity='%s',state='%s'}"
FIRES: dict[str, dict[str, str]] = {
    "MloMonitorDown": {"up{job='mlo-monitor',instance='i'}": "0x60"},
    "MloMonitorNobodyLeads": {
        "monitor_leader{job='mlo-monitor',instance='i'}": "0x60",
        "monitor_leader{job='mlo-monitor',instance='j'}": "0x60",
    },
    "MloRuleBroken": {STATE % ("critical", "firing"): "1x60"},
    "MloRuleBrokenLessUrgent": {STATE % ("warning", "firing"): "1x60"},
    "MloRuleNotChecked": {STATE % ("critical", "cannot check"): "1x60"},
    "MloActionsFail": {"monitor_actions_total{action='a',outcome='failed'}": "0 0 1x60"},
    "MloActionsWait": {"monitor_actions_waiting{instance='i'}": "2x60"},
    "MloMonitorTroubled": {"monitor_troubles{instance='i'}": "1x60"},
    "MloModelDrifts": {"model_drift{model='m',version='3',rule='r'}": "1x90"},
}
"""For each alert series that fire it, one value a minute."""


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_each_rule_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    assert {rule["alert"] for rule in rules()} == set(FIRES)
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": value} for name, value in given.items()],
            "promql_expr_test": [
                {
                    "expr": "count by (alertname) (ALERTS{alertstate='firing'})",
                    "eval_time": "61m" if alert == "MloModelDrifts" else "45m",
                    "exp_samples": [{"labels": f"{{alertname='{alert}'}}", "value": 1}],
                }
            ],
        }
        for alert, given in FIRES.items()
    ]
    test = {"rule_files": ["monitor-rules.yml"], "tests": tests}
    (tmp_path / "tests.yml").write_text(json.dumps(test))
    for words in (["test", "rules", "tests.yml"], ["check", "rules", "monitor-rules.yml"]):
        done = subprocess.run(
            [program("promtool"), *words], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_of_a_monitor_is_what_promtool_takes(shop: Shop, guard: Guard) -> None:
    shop.register()
    guard.settings("{rules: {asked: {volume: churn, min: 1}, lost: {drift: chrun}}}")
    one = guard.going()
    one.go(all_rules=True)
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=pages.page(one.settings, one.memory, one.report()),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_counts_begin_at_zero_so_that_the_first_alert_is_an_increase(
    shop: Shop, guard: Guard
) -> None:
    shop.register()
    guard.settings("{actions: {note: {command: 'true'}}, rules: {asked: {volume: churn, min: 1}}}")
    one = guard.going()
    text = pages.page(one.settings, one.memory, one.report())
    assert 'monitor_alerts_total{rule="asked",state="firing"} 0' in text
    assert 'monitor_actions_total{action="note",outcome="failed"} 0' in text
    one.go(all_rules=True)
    text = pages.page(one.settings, one.memory, one.report())
    assert 'monitor_alerts_total{rule="asked",state="firing"} 1' in text
    assert 'monitor_checks_total{rule="asked",outcome="done"} 1' in text


def test_every_metric_that_rules_and_dashboard_name_is_one_of_the_page(
    shop: Shop, guard: Guard
) -> None:
    guard.settings("{rules: {asked: {volume: churn, min: 1}}}")
    one = guard.going()
    one.go(all_rules=True)
    text = pages.page(one.settings, one.memory, one.report())
    known = {*FAMILIES, *re.findall(r"^# TYPE (\w+)", text, re.M)}
    assert {errands.ALERTS, errands.ACTIONS, rounds.CHECKS} <= known
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for query in [*panels, *(rule["expr"] for rule in rules())]:
        for name in re.findall(r"\b(?:monitor|model)_\w+", query):
            assert name in known, query
    shown = {name for query in panels for name in re.findall(r"\bmodel_\w+", query)}
    assert shown == set(FAMILIES) - {"model_drift", "model_drift_rows"}
