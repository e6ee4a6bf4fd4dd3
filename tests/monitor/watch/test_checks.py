"""What rules of each kind find, on real logs, tables and pages; and what they cannot know."""

import json
import math
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.config_monitor import ConceptRule, PerformanceRule, Rule
from mlops_cli.core.repository import open_repository
from mlops_cli.data.predictions import counted
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import ExternalError, IntegrityError, RequestError
from mlops_cli.monitor.watch.alerts import Finding
from mlops_cli.monitor.watch.checking import check
from mlops_cli.monitor.watch.checks import served
from mlops_cli.monitor.watch.rules import Asked
from tests.monitor.conftest import Shop, table
from tests.monitor.performance.conftest import START_US, Clinic, agency, clinic, houses, patients
from tests.monitor.watch.conftest import Guard, Hook

__all__ = ["agency", "clinic"]


def find(guard: Guard, text: str, kept: Any = None) -> Finding:
    """Return what a rule finds now."""
    guard.settings(f"{{metrics_url: '{guard.url}', rules: {{r: {text}}}}}")
    repo = open_repository(guard.repo.root)
    assert repo.settings.monitor is not None
    return check(Asked(repo, repo.settings.monitor.rules["r"], guard.clock(), kept))


def asked(rows: int, shift: float = 0.0) -> Any:
    frame = table(rows, 2).drop(columns="price")
    return frame.assign(width=frame["width"] + shift)


def test_drift_is_of_the_version_in_use_and_only_of_its_window(shop: Shop, guard: Guard) -> None:
    first = shop.register()
    shop.answer(first, asked(200, 1.0))
    guard.now()
    found = find(guard, "{drift: churn}")
    assert (found.verdict, found.version, found.version_id) == ("broken", 1, first.id)
    assert found.value is not None
    assert found.value > (found.limit or 0)
    features = {one.labels["feature"] for one in found.samples if "feature" in one.labels}
    assert features == {"width", "colour"}
    second = shop.register()
    shop.answer(second, asked(200))
    guard.now()
    assert find(guard, "{drift: churn}").verdict == "holds"
    assert find(guard, "{drift: churn@v1}").verdict == "broken"
    guard.later(days=2)
    found = find(guard, "{drift: churn@v1}")
    assert (found.verdict, found.facts["rows"]) == ("no verdict", 0)
    assert find(guard, "{drift: churn@v1, multivariate: true}").verdict == "no verdict"
    assert find(guard, "{drift: churn@v1, window: 7d}").verdict == "broken"


def test_damaged_places_of_the_log_are_told(shop: Shop, guard: Guard) -> None:
    shop.answer(shop.register(), asked(200))
    shop.answer(shop.register(), asked(200))
    (path, *_) = sorted(shop.repo.layout.predictions.rglob("*.seg"), key=os.path.getmtime)[-1:]
    data = bytearray(path.read_bytes())
    data[-9] ^= 255
    path.write_bytes(data)
    guard.now()
    with pytest.raises(IntegrityError, match="has a damaged place"):
        find(guard, "{drift: churn}")
    path.write_bytes(b"x" * 200)
    for rule in ("{staleness: churn, prediction: 1h}", "{volume: churn, min: 1}"):
        assert any("damaged place" in one for one in find(guard, rule).notes)


def test_a_bound_on_a_metric_is_crossed_by_more_than_chance(clinic: Clinic, guard: Guard) -> None:
    clinic.evaluate(patients(1500, 1))
    clinic.answer(patients(600, 3, flipped=0.15), days=5)
    guard.clock.time = datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(days=5)
    late = "{performance: ills, metric: accuracy, min: 0.8, labels: realized"
    for rule in (late + "}", "{concept: ills}"):
        assert find(guard, rule).reason == "none of 600 predictions has a label yet"
    for rule in (late + ", window: 5d}", "{concept: ills, window: 5d}"):
        with pytest.raises(RequestError, match="none of 600 predictions has a label, and nothing"):
            find(guard, rule)
    estimate = find(guard, "{performance: ills, metric: accuracy, min: 0.75}")
    assert "estimated" in estimate.reason
    assert estimate.verdict == "holds", "the labels are flipped, which no input tells"
    clinic.label()
    found = find(guard, "{performance: ills, metric: accuracy, min: 0.8}")
    assert (found.verdict, found.limit) == ("broken", 0.8)
    assert "realized: below 0.8" in found.reason
    assert find(guard, "{performance: ills, metric: accuracy, min: 0.3}").verdict == "holds"
    near = find(guard, f"{{performance: ills, metric: accuracy, min: {(found.value or 0) + 1e-4}}}")
    assert near.verdict == "holds", "within the interval it may be chance"
    assert find(guard, "{performance: ills}").verdict == "broken"
    with pytest.raises(RequestError, match="there is no metric 'rmse' of ills"):
        find(guard, "{performance: ills, metric: rmse, max: 3}")
    kinds = {one.labels.get("kind") for one in found.samples if one.family == "model_performance"}
    assert kinds == {"realized", "estimated"}
    guard.later(days=30)
    found = find(guard, "{performance: ills, metric: accuracy, min: 0.8}")
    assert (found.verdict, found.reason) == ("no verdict", "no predictions in 7 d")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bound", ["metric: rmse, max: 100", "metric: mae, max: 100"])
def test_a_metric_that_is_no_finite_number_is_not_ok(
    agency: Clinic, guard: Guard, bound: str
) -> None:
    agency.answer(houses(400, 1))
    agency.truths[0] = 1e300
    agency.label()
    guard.clock.time = datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(days=1)
    with pytest.raises(RequestError, match="cannot be told, it is"):
        find(guard, f"{{performance: prices, labels: realized, {bound}}}")


def test_a_metric_that_such_a_model_has_not_is_told_before_it_is_asked(
    agency: Clinic, guard: Guard
) -> None:
    with pytest.raises(RequestError, match="'accuracy' of prices; there are mae, rmse, bias, r2"):
        find(guard, "{performance: prices, metric: accuracy, min: 0.8}")
    assert find(guard, "{performance: prices, metric: r2, min: 0.8}").verdict == "no verdict"


def test_labels_that_never_came_are_missed_whatever_the_window(
    clinic: Clinic, guard: Guard
) -> None:
    clinic.answer(patients(100, 2), days=2)
    end = datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(days=2)
    guard.clock.time = end - timedelta(minutes=30)
    rules = [f"{kind}, window: 1h}}" for kind in (
        "{performance: ills, labels: realized", "{concept: ills")]  # fmt: skip
    for late in (timedelta(0), timedelta(hours=5)):
        guard.clock.time = end + late
        for rule in rules:
            with pytest.raises(RequestError, match="predictions has a label"):
                find(guard, rule)
    clinic.label(80)
    for rule in rules:
        assert find(guard, rule).reason == "no predictions in 1 h"


def test_errors_that_rise_are_concept_drift(clinic: Clinic, guard: Guard) -> None:
    clinic.answer(patients(800, 2), days=4)
    clinic.answer(patients(800, 3, flipped=0.4), days=4)
    clinic.label()
    guard.clock.time = datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(days=8)
    found = find(guard, "{concept: ills}")
    assert found.verdict == "broken"
    assert "its errors rose from" in found.reason
    assert found.facts["alarms"]
    guard.clock.time -= timedelta(days=4)
    assert find(guard, "{concept: ills}").verdict == "holds"


def test_ages_are_of_version_data_and_last_answer(shop: Shop, guard: Guard) -> None:
    version = shop.register()
    guard.now()
    assert find(guard, "{staleness: churn, prediction: 1h}").verdict == "holds"
    guard.later(hours=2)
    found = find(guard, "{staleness: churn, prediction: 1h}")
    assert found.verdict == "broken"
    assert found.reason == "prediction: none for 2 h, 1 h are allowed"
    shop.answer(version, asked(10))
    everything = "{staleness: churn, version: 30d, data: 60d, prediction: 1h}"
    guard.now()
    assert find(guard, everything).verdict == "holds"
    guard.later(hours=2)
    found = find(guard, everything)
    assert found.verdict == "broken"
    assert found.limit == 3600
    assert "prediction: 2 h old, 1 h are allowed" in found.reason
    guard.later(days=31)
    found = find(guard, "{staleness: churn@v1, version: 30d, data: 60d}")
    assert found.reason == "version: 31.1 d old, 30 d are allowed; data: 31.1 d old"


def test_volume_has_bounds_of_its_own_or_those_of_other_days(clinic: Clinic, guard: Guard) -> None:
    start = datetime.fromtimestamp(START_US / 1e6, UTC)
    for _ in range(6):
        clinic.answer(patients(240, 2), days=1, parts=24)
    guard.clock.time = start + timedelta(days=6)
    found = find(guard, "{volume: ills, window: 6h, min: 5, max: 20}")
    assert (found.verdict, found.value) == ("holds", 10.0)
    few = find(guard, "{volume: ills, window: 6h, min: 11}")
    assert few.verdict == "broken"
    answered = {"version": clinic.version.id, "number": clinic.version.number, "predictions": 60}
    assert few.facts["answered"] == [answered]
    assert find(guard, "{volume: ills, window: 6h, max: 9}").verdict == "broken"
    usual = "{volume: ills, window: 6h, drop: 50%, rise: 50%}"
    found = find(guard, usual)
    assert (found.verdict, found.facts["usual"]) == ("holds", 60)
    assert "where 60 are usual" in found.reason
    guard.later(hours=4)
    found = find(guard, usual)
    assert (found.verdict, found.value) == ("broken", 20 / 6)
    assert found.reason.endswith("fewer than 5 an hour")
    guard.clock.time = start + timedelta(days=2)
    assert find(guard, usual).verdict == "no verdict", "nobody knows yet what is usual"


def test_predictions_are_counted_by_the_heads_of_blocks_and_by_rows_at_the_ends(
    clinic: Clinic,
) -> None:
    clinic.answer(patients(100, 2), days=1, parts=4)
    repo, day = clinic.shop.repo, 86_400_000_000
    spans = [
        (START_US, START_US + day),
        (START_US, START_US + day // 2),
        (START_US + 1, START_US + day // 2 + 1),
        (0, START_US),
    ]
    assert counted.within(repo, "ills", spans, Tally()) == [100, 50, 50, 0]
    reach = counted.reach(repo, "ills", Tally())
    assert reach is not None
    assert reach[1] == START_US + day * 3 // 4
    assert counted.reach(repo, "nobody", Tally()) is None


def metrics(good: int, bad: int, slow: int) -> str:
    fast = good + bad - slow
    return (
        f'mlo_requests_total{{path="/predict",status="200"}} {good}\n'
        f'mlo_requests_total{{path="/predict",status="500"}} {bad}\n'
        f'mlo_requests_total{{path="/health",status="200"}} 999\n'
        f'mlo_request_seconds_bucket{{le="0.1"}} {fast}\n'
        f'mlo_request_seconds_bucket{{le="1.0"}} {good + bad}\n'
        f'mlo_request_seconds_bucket{{le="+Inf"}} {good + bad}\n'
    )


@pytest.fixture
def page(guard: Guard, hook: Hook) -> Hook:
    """Return a server whose page of metrics the rules look at."""
    guard.url = f"{hook.url}/metrics"
    return hook


def test_errors_are_those_of_the_window_and_a_restart_is_no_news(guard: Guard, page: Hook) -> None:
    rule = "{errors: churn, max: 1%, window: 10m}"
    page.page = metrics(900, 100, 0)
    found = find(guard, rule)
    assert found.verdict == "no verdict", "what a server counted before is not of the window"
    page.page = metrics(1000, 100, 0)
    guard.later(minutes=5)
    found = find(guard, rule, json.loads(json.dumps(found.kept)))
    assert (found.verdict, found.value) == ("holds", 0)
    page.page = metrics(1090, 110, 0)
    guard.later(minutes=5)
    found = find(guard, rule, found.kept)
    assert (found.verdict, found.facts["requests"]) == ("broken", 200)
    assert found.reason == "5 % of 200 requests failed, 1 % may fail"
    page.page = metrics(50, 0, 0)
    guard.later(minutes=5)
    found = find(guard, rule, found.kept)
    assert found.facts == {"requests": 150, "errors": 10}
    guard.later(minutes=15)
    found = find(guard, rule, found.kept)
    assert (found.verdict, found.facts["requests"]) == ("no verdict", 0)


def test_a_version_that_only_fails_is_named_too(clinic: Clinic, guard: Guard, page: Hook) -> None:
    rule = "{errors: ills, max: 1%}"
    failed = 'mlo_model_errors_total{{model="{}",version="1",role="canary"}} {}\n'
    page.page = metrics(900, 100, 0) + failed.format("ills", 100)
    kept = find(guard, rule).kept
    page.page = metrics(1000, 150, 0) + failed.format("ills", 150) + failed.format("other", 3)
    guard.later(minutes=1)
    found = find(guard, rule, json.loads(json.dumps(kept)))
    assert found.facts["failed"] == [{"version": clinic.version.id, "number": 1, "errors": 50}]


def test_latency_is_a_quantile_of_what_was_answered_since(guard: Guard, page: Hook) -> None:
    rule = "{latency: churn, max: 500ms, quantile: 0.9}"
    page.page = metrics(100, 0, 100)
    kept = find(guard, rule).kept
    page.page = metrics(200, 0, 105)
    found = find(guard, rule, kept)
    assert found.verdict == "holds"
    assert found.value == pytest.approx(0.1 * 90 / 95)
    page.page = metrics(200, 0, 150)
    found = find(guard, rule, kept)
    assert found.verdict == "broken"
    assert found.value == pytest.approx(0.1 + 0.9 * 40 / 50)
    assert "500 ms are allowed" in found.reason
    page.page = metrics(110, 0, 100)
    assert "too few to tell" in find(guard, rule, kept).reason
    assert served.quantile({1.0: 0.0, math.inf: 5.0}, 0.5) == 1.0


def test_a_server_that_is_away_is_told(guard: Guard, page: Hook) -> None:
    page.statuses = [503]
    with pytest.raises(ExternalError, match=r"'127\.0\.0\.1:\d+' answers 503 to '/metrics'"):
        find(guard, "{errors: churn, max: 1%}")
    guard.url = "http://127.0.0.1:9/metrics"
    with pytest.raises(ExternalError, match="cannot be reached"):
        find(guard, "{errors: churn, max: 1%}")


SCHEMA = """\
columns:
  width: {type: number, min: -100, max: 100}
  colour: {type: text, values: [red, blue]}
"""


def test_requests_and_tables_are_held_against_a_schema(shop: Shop, guard: Guard) -> None:
    root = shop.root
    (root / "schemas").mkdir()
    (root / "schemas/asked.yaml").write_text(SCHEMA)
    rule = "{quality: churn, schema: schemas/asked.yaml}"
    version = shop.register()
    assert find(guard, rule).reason == "no predictions in 1 d"
    shop.answer(version, asked(60))
    guard.now()
    found = find(guard, rule)
    assert (found.verdict, found.facts["rows"]) == ("holds", 60)
    shop.answer(version, asked(5).assign(colour="pink"))
    guard.now()
    found = find(guard, rule)
    assert found.verdict == "broken"
    assert found.facts["failures"][0]["column"] == "colour"
    asked(20).to_csv(root / "fresh.csv", index=False)
    table_rule = "{quality: churn, data: fresh.csv, schema: schemas/asked.yaml}"
    assert find(guard, table_rule).verdict == "holds"
    with pytest.raises(RequestError, match=r"the schema 'none\.yaml' cannot be read"):
        find(guard, "{quality: churn, schema: none.yaml}")


def test_requests_are_not_asked_for_the_target_nor_what_the_log_hides(
    shop: Shop, guard: Guard
) -> None:
    (shop.root / "schemas").mkdir()
    of_training = SCHEMA + "  left: {type: boolean}\nrows: {min: 500}\nextra: error\n"
    (shop.root / "schemas/train.yaml").write_text(of_training)
    version = shop.register()
    shop.answer(version, asked(60))
    guard.now()
    assert find(guard, "{quality: churn, schema: schemas/train.yaml}").verdict == "holds"
    shop.answer(version, asked(5), LogSettings(hash=("colour",)))
    guard.now()
    found = find(guard, "{quality: churn, schema: schemas/train.yaml}")
    assert (found.verdict, found.facts["rows"]) == ("holds", 65)


def test_each_kind_of_rule_has_its_check() -> None:
    from mlops_cli.core import config_monitor
    from mlops_cli.monitor.watch import checking

    assert set(checking._CHECKERS) == set(config_monitor.KINDS)
    assert Rule("a", "concept", ConceptRule("m@v1")).model == "m"
    assert Rule("a", "performance", PerformanceRule("m")).about == "m"
