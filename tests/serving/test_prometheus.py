"""A real Prometheus scrapes a real server, and alerts by the rules that mlo gives."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.servers.programs import free_port, program
from tests.serving.conftest import ROW, Running
from tests.serving.served import Served, served

TEMPLATES = Path(__file__).parents[2] / "templates"
RULES = TEMPLATES / "prometheus/rules.yml"
DASHBOARD = json.loads((TEMPLATES / "grafana/mlo-serve.json").read_text())
TOKEN = "t" * 40

REQUESTS = "mlo_requests_total{instance='i',path='/predict',status='%s'}"
FIRES: dict[str, dict[str, str]] = {
    "MloServerDown": {"up{job='mlo',instance='i'}": "0x60"},
    "MloErrors": {REQUESTS % 200: "0+600x60", REQUESTS % 500: "0+60x60"},
    "MloSlow": {
        "mlo_request_seconds_bucket{instance='i',le='0.5'}": "0+10x60",
        "mlo_request_seconds_bucket{instance='i',le='1.0'}": "0+600x60",
        "mlo_request_seconds_bucket{instance='i',le='+Inf'}": "0+600x60",
    },
    "MloOverloaded": {REQUESTS % 503: "0+60x60"},
    "MloCertificateBehind": {"mlo_certificate_behind{instance='i'}": "1x60"},
    "MloModelBehind": {"mlo_model_behind{instance='i'}": "1x60"},
    "MloVersionFails": {
        "mlo_model_errors_total{instance='i',model='m',version='2',role='canary'}": "0+60x60",
        "mlo_model_errors_total{instance='i',model='m',version='3',role='shadow'}": "0+60x60",
    },
    "MloWorkersDie": {"mlo_worker_restarts_total{instance='i'}": "0+1x60"},
    "MloRequestsDoNotFit": {REQUESTS % 200: "0+600x60", REQUESTS % 422: "0+600x60"},
    "MloPredictionsNotLogged": {"mlo_log_dropped_total{instance='i'}": "0+60x60"},
    "MloNobodyAllowed": {REQUESTS % 401: "0+600x60"},
}
"""For each alert series that fire it, one value a minute."""


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[str]:
    """Return the queries of the dashboard."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


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
                    "eval_time": "45m",
                    "exp_samples": [{"labels": f"{{alertname='{alert}'}}", "value": 1}],
                }
            ],
        }
        for alert, given in FIRES.items()
    ]
    (tmp_path / "tests.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": tests}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", "tests.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_settings_are_what_prometheus_takes() -> None:
    for kind, name in (("rules", "rules.yml"), ("config", "prometheus.yml")):
        done = subprocess.run(
            [program("promtool"), "check", kind, RULES.with_name(name)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("watched") / "here"
    root.mkdir()
    (root / "tokens").write_text(TOKEN)
    with served(root, "{tokens_file: tokens}") as one:
        one.client.headers["authorization"] = f"Bearer {TOKEN}"
        yield one


class Prometheus:
    """A server of Prometheus that looks at ours ten times a second."""

    def __init__(self, url: str) -> None:
        self.url = url

    def data(self, path: str, **query: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=query, timeout=10).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def result(self, query: str) -> list[Any]:
        found: list[Any] = self.data("query", query=query)["result"]
        return found

    def until(self, ask: Any) -> Any:
        """Return what `ask` returns once it is true."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if found := ask():
                    return found
            except (httpx.HTTPError, ValueError):
                pass
            time.sleep(0.02)
        raise AssertionError("waited in vain")


@pytest.fixture(scope="module")
def prometheus(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    command = program("prometheus")
    here = tmp_path_factory.mktemp("prometheus")
    settings = yaml.safe_load(RULES.with_name("prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "100ms", "evaluation_interval": "100ms"}
    settings["scrape_configs"][0]["static_configs"][0]["targets"] = [
        running.ready.url.removeprefix("http://")
    ]
    settings["scrape_configs"][0]["authorization"] = {"credentials": TOKEN}
    shutil.copy(RULES, here)
    (here / "prometheus.yml").write_text(yaml.safe_dump(settings))
    place = f"127.0.0.1:{free_port()}"
    log = (here / "log").open("wb")
    process = subprocess.Popen(
        [
            *(command, f"--config.file={here}/prometheus.yml", f"--web.listen-address={place}"),
            f"--storage.tsdb.path={here}/data",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        made = Prometheus(f"http://{place}")
        made.until(lambda: made.result('up{job="mlo"} == 1'))
        yield made
    finally:
        process.kill()
        process.wait()
        log.close()


def test_every_metric_that_rules_and_dashboard_name_is_one_of_the_servers(
    running: Running,
) -> None:
    running.predict()
    known = set(re.findall(r"^# TYPE (mlo_\w+)", running.client.get("/metrics").text, re.M))
    for query in [*panels(), *(rule["expr"] for rule in rules())]:
        for name in re.findall(r"\bmlo_\w+", query):
            assert name.removesuffix("_bucket") in known, query


def test_every_panel_shows_what_there_is(prometheus: Prometheus, running: Running) -> None:
    for _ in range(3):
        running.predict()
    running.predict(ROW | {"soil": "sand"})
    prometheus.until(lambda: prometheus.result("sum(increase(mlo_predictions_total[20s])) > 0"))
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$instance", ".*")
            if "mlo_shadow_" in query:
                continue  # there is none here
            query = query.replace("$__rate_interval", "20s").replace("$__range", "20s")
            assert prometheus.until(lambda query=query: prometheus.result(query)), panel["title"]
    (info,) = prometheus.result("mlo_model_info")
    assert (info["metric"]["model"], info["metric"]["version"]) == ("plant", "1")


def test_a_version_that_does_not_load_fires_its_alert(
    prometheus: Prometheus, running: Served
) -> None:
    assert running.shelf is not None
    running.shelf.point(99)
    (alert,) = prometheus.until(lambda: prometheus.data("alerts")["alerts"])
    assert alert["labels"]["alertname"] == "MloModelBehind"
    assert alert["state"] == "firing"
    assert "does not load" in alert["annotations"]["summary"]
    assert running.predict().status_code == 200
    running.shelf.point(1)
    prometheus.until(lambda: not prometheus.data("alerts")["alerts"])
