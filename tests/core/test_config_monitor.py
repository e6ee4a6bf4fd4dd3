"""`monitor:` in `.mlops.yaml`: what it gives, and what each mistake in it says."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.core import config, config_actions, config_monitor, origins
from mlops_cli.core.config_actions import (
    CommandAction,
    EmailAction,
    RetrainAction,
    Secret,
    SlackAction,
    WebhookAction,
)
from mlops_cli.core.config_monitor import DriftRule, LatencyRule, Monitor, Rule, VolumeRule
from mlops_cli.errors import RequestError

EXAMPLE = Path(__file__).parents[2] / ".mlops.example.yaml"


def monitor(text: str) -> Monitor:
    found = config.read(f"monitor: {text}".encode(), where="f").monitor
    assert found is not None
    return found


def mistake(text: str) -> tuple[str, str | None]:
    with pytest.raises(RequestError) as caught:
        monitor(text)
    return caught.value.message, caught.value.hint


def test_a_rule_says_its_kind_first_and_has_defaults_for_the_rest() -> None:
    found = monitor("{rules: {inputs: {drift: churn}}}")
    assert found.every_s == 300
    assert found.rules == {"inputs": Rule("inputs", "drift", DriftRule("churn"))}
    assert found.rules["inputs"].model == "churn"


def test_times_and_shares_are_read_as_people_write_them() -> None:
    found = monitor(
        "{every: 90s, metrics_url: 'http://a:1/metrics', rules: {"
        "a: {latency: m@production, max: 20ms, window: 10m, for: 3, cooldown: 2d, every: 1h},"
        "b: {volume: m, drop: 80%, rise: 1.5, for: 30m, severity: critical}}}"
    )
    quick, asked = found.rules.values()
    assert quick.check == LatencyRule("m@production", 0.02, window_s=600)
    assert (quick.times, quick.for_s, quick.cooldown_s, quick.every_s) == (3, 0, 172_800, 3600)
    assert quick.model == "m"
    assert asked.check == VolumeRule("m", drop=0.8, rise=1.5)
    assert (asked.times, asked.for_s, asked.severity) == (1, 1800, "critical")
    assert (found.every_s, found.metrics_urls) == (90, ("http://a:1/metrics",))


def test_actions_are_of_five_kinds_and_secrets_are_named_by_where_they_are() -> None:
    found = monitor(
        "{actions: {a: {webhook: 'https://x/y', token: {env: T}}, b: {slack: {file: ~/s}},"
        " c: {email: o@x.org, from: m@x.org, host: h, user: u, password: {env: P}},"
        " d: {command: [a, b], timeout: 5s}, e: {retrain: churn}, f: {webhook: {env: U}}}}"
    ).actions
    assert list(found.values()) == [
        WebhookAction("https://x/y", Secret(env="T")),
        SlackAction(Secret(file="~/s")),
        EmailAction(("o@x.org",), "m@x.org", "h", user="u", password=Secret(env="P")),
        CommandAction(("a", "b"), 5.0),
        RetrainAction("churn"),
        WebhookAction(Secret(env="U")),
    ]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{rules: {a: {drfit: m}}}", "'monitor.rules.a' is no rule", "give it one of: drift, "),
        ("{rules: {a: {drift: m, errors: m}}}", "is 2 rules at once: drift, errors", None),
        ("{rules: {a: {drift: m, windw: 1h}}}", "'monitor.rules.a.windw' is not a known", "window"),
        ("{rules: {a: {drift: ../m}}}", "is '../m', which is no model", "churn@production"),
        ("{rules: {a: {drift: m, window: soon}}}", "is 'soon', which is no time", "as in 5m"),
        ("{rules: {a: {drift: m, for: 0}}}", "is 0, must be at least 1", None),
        ("{rules: {a: {drift: m, actions: [tem]}, }, actions: {team: {slack: {env: A}}}}",
         "is 'tem', and there is no such action", "did you mean 'team'?"),
        ("{rules: {a: {drift: m@v1, actions: retrain}}}", "has 'm' retrained, and nothing says how",
         "retrain: {m: {into:"),
        ("{rules: {a: {drift: m, actions: b}}, actions: {b: {retrain: n@v1}},"
         " retrain: {m: {into: x}}}", "has 'n' retrained", None),
        ("{rules: {a: {performance: m, min: 1}}}", "has bounds, and no metric", "accuracy"),
        ("{rules: {a: {performance: m, metric: auc}}}", "asks for nothing", "min or max"),
        ("{rules: {a: {volume: m, min: 5, max: 4}}}", "can never hold: min 5 is above max 4", None),
        ("{rules: {a: {staleness: m}}}", "asks for nothing", "version or data or prediction"),
        ("{rules: {a: {quality: m}}}", "asks for nothing", "data or schema"),
        ("{rules: {a: {errors: m, max: 1%}}}", "no server is named", "metrics_url"),
        ("{rules: {a: {errors: m, max: few}}, metrics_url: 'http://x/'}", "is no share", "5%"),
        ("{metrics_url: 'x:1/metrics'}", "which is no address", None),
        ("{metrics_url: 'http://u:p@x/metrics'}", "holds a password", None),
        ("{actions: {a: {slack: 'https://x/y'}}}", "is a secret, and must say where", "{env:"),
        ("{actions: {a: {slack: {env: A, file: b}}}}", "must say where the secret is", None),
        ("{actions: {a: {email: [], from: a@x, host: h}}}", "names nobody", None),
        ("{actions: {a: {email: nobody, from: a@x, host: h}}}", "no address of mail", None),
        ("{actions: {a: {email: a@x, from: a@x, host: h, user: u}}}", "both user and password", ""),
        ("{actions: {a: {email: a@x, from: a@x, host: h, tls: none, user: u, password: {env: P}}}}",
         "would send its password in the clear", "starttls"),
        ("{actions: {a: {ping: x}}}", "'monitor.actions.a' is no action", "webhook, slack"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_key_and_what_to_type(
    text: str, message: str, hint: str | None
) -> None:
    said, advice = mistake(text)
    assert said.startswith("f:1: ")
    assert message in said
    if hint:
        assert hint in (advice or "")


def test_no_mistake_repeats_a_password() -> None:
    for text in (
        "{metrics_url: 'http://u:hunter2@x/metrics'}",
        "{actions: {a: {slack: 'https://hooks.example.org/hunter2'}}}",
        "{actions: {a: {webhook: 'https://u:hunter2@x/'}}}",
    ):
        assert "hunter2" not in "".join(filter(None, mistake(text)))


def test_the_example_explains_all_that_a_rule_and_an_action_can_say() -> None:
    import yaml

    given: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())["monitor"]
    assert {next(iter(one)) for one in given["rules"].values()} == set(config_monitor.KINDS)
    assert {next(iter(one)) for one in given["actions"].values()} == set(config_actions.KINDS)
    said = {key for one in given["rules"].values() for key in one}
    assert said == config_monitor.known_keys()
    told = {key for one in given["actions"].values() for key in one}
    assert told >= {
        "token",
        "resolved",
        "from",
        "host",
        "port",
        "tls",
        "user",
        "password",
        "timeout",
    }
    read = config.load(EXAMPLE).monitor
    assert read is not None
    assert read.every_s == Monitor().every_s
    assert {one.name for one in fields(Monitor)} >= {"actions", "rules"}


def test_settings_are_listed_by_the_keys_that_people_write(tmp_path: Path) -> None:
    file = tmp_path / ".mlops.yaml"
    file.write_text(
        "monitor:\n  actions: {a: {email: o@x.org, from: m@x.org, host: h}}\n"
        "  rules:\n    r: {drift: churn, window: 6h, for: 3}\n"
    )
    found = {one.key: (one.value, one.origin) for one in origins.settings(file)}
    assert found["monitor.rules.r.drift"] == ("churn", ".mlops.yaml:4")
    assert found["monitor.rules.r.window"] == ("21600s", ".mlops.yaml:4")
    assert found["monitor.rules.r.for"] == (3, ".mlops.yaml:4")
    assert found["monitor.rules.r.cooldown"] == ("14400s", "default")
    assert found["monitor.actions.a.from"] == ("m@x.org", ".mlops.yaml:2")
    assert found["monitor.every"] == ("300s", "default")
