"""Rules on estimated performance fire where only the truth changed, once some labels came."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mlops_cli.core.repository import open_repository
from mlops_cli.monitor.watch.alerts import Finding
from mlops_cli.monitor.watch.checking import check
from mlops_cli.monitor.watch.rules import Asked
from tests.monitor.performance.conftest import START_US, Clinic, agency, clinic, houses, patients
from tests.monitor.watch.conftest import Guard

__all__ = ["agency", "clinic"]
DAY = "window: 1d, labels: estimated"


def find(guard: Guard, text: str) -> Finding:
    """Return what a rule finds after four days."""
    guard.settings(f"{{rules: {{r: {text}}}}}")
    repo = open_repository(guard.repo.root)
    assert repo.settings.monitor is not None
    return check(Asked(repo, repo.settings.monitor.rules["r"], guard.clock(), None))


def changed(at: Clinic, guard: Guard, before: Any, after: Any) -> None:
    """Answer two days as before and two of another concept; now is the end of the fourth."""
    at.answer(before, days=2)
    at.answer(after, days=2)
    guard.clock.time = datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(days=4)


def test_labels_of_the_day_before_tell_of_today(clinic: Clinic, guard: Guard) -> None:
    clinic.evaluate(patients(1500, 1))
    changed(clinic, guard, patients(600, 2), patients(600, 3, flipped=0.4))
    for rule in (
        f"{{performance: ills, {DAY}}}",
        f"{{performance: ills, {DAY}, metric: accuracy, min: 0.7}}",
    ):
        found = find(guard, rule)
        assert found.verdict == "holds"
        assert "a change of what inputs mean would not be seen" in found.notes[-1]
        assert found.facts["estimated_by"] == "reference"
    clinic.label(0, 900)
    found = find(guard, f"{{performance: ills, {DAY}}}")
    assert found.verdict == "broken"
    assert "is estimated to be 0.5" in found.reason
    assert (found.facts["labelled"], found.facts["estimated_by"]) == (0, "labels")
    assert "as test.csv does not hold" in found.notes[-1]
    found = find(guard, f"{{performance: ills, {DAY}, metric: accuracy, min: 0.7}}")
    assert (found.verdict, found.limit) == ("broken", 0.7)


def test_estimates_decide_alone_where_a_rule_asks_for_them(clinic: Clinic, guard: Guard) -> None:
    clinic.evaluate(patients(1500, 1))
    changed(clinic, guard, patients(600, 2), patients(600, 3, flipped=0.4))
    clinic.label()
    found = find(guard, "{performance: ills, labels: estimated}")
    assert found.verdict == "broken"
    assert "is estimated to be" in found.reason


def test_of_numbers_too(agency: Clinic, guard: Guard) -> None:
    agency.evaluate(houses(1000, 1))
    changed(agency, guard, houses(600, 2), houses(600, 3, off=2.5))
    assert find(guard, f"{{performance: prices, {DAY}}}").verdict == "holds"
    agency.label(0, 900)
    found = find(guard, f"{{performance: prices, {DAY}}}")
    assert (found.verdict, found.facts["estimated_by"]) == ("broken", "labels")


def test_the_model_is_retrained_for_it(clinic: Clinic, guard: Guard) -> None:
    clinic.evaluate(patients(1500, 1))
    changed(clinic, guard, patients(600, 2), patients(600, 3, flipped=0.4))
    clinic.label(0, 900)
    guard.settings(
        f"{{rules: {{worse: {{performance: ills, {DAY}, actions: retrain}}}},"
        " retrain: {ills: {into: train.csv}}}\n"
        "steps: {train: {cmd: python train.py, deps: [train.csv], outs: [model]}}"
    )
    one = guard.going(dry=True)
    one.go(all_rules=True)
    report = one.report()
    assert report.rules[0].state == "firing"
    assert [each.action for each in report.planned] == ["retrain"]
    assert report.planned[0].does.startswith("retrain: ")
