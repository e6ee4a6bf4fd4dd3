"""Telling people: what arrives at real servers, what is said where it does not, and no secret."""

import json
import os
import subprocess
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.core.config_actions import (
    CommandAction,
    EmailAction,
    Secret,
    SlackAction,
    WebhookAction,
)
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.monitor.watch.deliver.command import Command
from mlops_cli.monitor.watch.deliver.email import Email
from mlops_cli.monitor.watch.deliver.slack import Slack
from mlops_cli.monitor.watch.deliver.webhook import Webhook
from mlops_cli.monitor.watch.errands import attempt
from mlops_cli.monitor.watch.secrets import reveal
from tests.monitor.watch.conftest import PASSWORD, Hook, Mailbox, alert


def test_a_webhook_gets_the_alert_as_json(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER_TOKEN", PASSWORD)
    settings = WebhookAction(f"{hook.url}/alerts", token=Secret(env="PAGER_TOKEN"))
    outcome = Webhook(settings, tmp_path).run(alert())
    host = hook.url.removeprefix("http://")
    assert (outcome.done, outcome.said) == (True, f"{host} answered 200")
    held = json.loads(hook.bodies[0])
    assert held["v"] == 1
    assert (held["alert"], held["state"], held["rule"]) == ("00c0ffee00c0ffee", "firing", "inputs")
    assert held["facts"] == {"rows": 200, "worst": "nan"}
    assert hook.headers[0]["Content-Type"] == "application/json"
    assert hook.headers[0]["Authorization"] == f"Bearer {PASSWORD}"
    key = hook.headers[0]["Idempotency-Key"]
    assert key == "00c0ffee00c0ffee-firing-2026-01-31T12:10:00.000000Z"


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (404, False), (302, False)]
)
def test_a_webhook_that_refuses_for_now_is_asked_again(
    hook: Hook, tmp_path: Path, status: int, *, again: bool
) -> None:
    hook.statuses = [status]
    outcome = Webhook(WebhookAction(hook.url), tmp_path).run(alert())
    assert (outcome.done, outcome.again) == (False, again)
    assert outcome.said.endswith(f"answered {status}")


def test_an_address_that_is_a_secret_is_never_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_URL", f"http://127.0.0.1:9/services/{PASSWORD}")
    slack = Slack(SlackAction(Secret(env="SLACK_URL")), tmp_path)
    webhook = Webhook(WebhookAction(Secret(env="SLACK_URL")), tmp_path)
    for action in (slack, webhook):
        outcome = attempt(action, alert())
        assert (outcome.done, outcome.again) == (False, True)
        assert outcome.said == "'127.0.0.1:9' cannot be reached: connection refused"
        assert PASSWORD not in action.plan(alert())


@pytest.mark.parametrize("what", ["web", "mail"])
def test_a_server_that_says_a_byte_now_and_then_is_not_listened_to_for_ever(
    dripping: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(f"mlops_cli.monitor.watch.{PLACES[what]}.MOST_S", 0.3)
    address = f"127.0.0.1:{dripping}"
    action = (
        Webhook(WebhookAction(f"http://{address}"), tmp_path)
        if what == "web"
        else email(Mailbox(port=dripping))
    )
    began = time.monotonic()
    outcome = attempt(action, alert())
    assert time.monotonic() - began < 5
    assert (outcome.done, outcome.again) == (False, True)
    assert (
        outcome.said
        == {
            "web": f"'{address}' has not answered within 0.3 s",
            "mail": "'localhost' took no mail within 0.3 s",
        }[what]
    )


PLACES = {"web": "web", "mail": "deliver.email"}


def test_slack_gets_a_message_in_which_nothing_means_more(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_URL", hook.url)
    action = Slack(SlackAction(Secret(env="SLACK_URL"), resolved=False), tmp_path)
    assert action.run(alert()).done
    text = json.loads(hook.bodies[0])["text"]
    assert text.splitlines() == [
        ":rotating_light: *firing: inputs of churn v3 (critical)*",
        "2 of 9 columns (age &lt;b&gt;, plan &amp; fee) drifted",
        "since 2026-01-31 12:00 UTC, `mlo drift churn@v3`",
    ]
    assert action.wants(alert())
    assert not action.wants(alert(state="resolved"))


def email(mailbox: Mailbox, **changes: Any) -> Email:
    settings: dict[str, Any] = {"host": "localhost", "port": mailbox.port, "tls": "none", **changes}
    people = ("ops@example.org", "ada@example.org")
    return Email(EmailAction(people, "mlo@example.org", **settings), Path("/"))


def test_a_mail_arrives_and_the_one_that_ends_it_answers_it(mailbox: Mailbox) -> None:
    action = email(mailbox)
    outcome = action.run(alert())
    assert outcome.done
    assert action.run(alert(state="resolved", reason="it holds\nagain")).done
    first, last = (message_from_bytes(one, policy=policy.default) for one in mailbox.mails)
    assert mailbox.to[0] == ["ops@example.org", "ada@example.org"]
    assert first["Subject"] == "[mlo] firing: inputs of churn v3 (critical)"
    assert first["Message-ID"] == "<00c0ffee00c0ffee@example.org>"
    assert last["In-Reply-To"] == first["Message-ID"]
    assert last["Message-ID"] != first["Message-ID"]
    assert "2 of 9 columns" in first.get_content()
    assert "mlo drift churn@v3" in first.get_content()


@pytest.mark.parametrize("mailbox", ["starttls", "tls"], indirect=True)
def test_a_mail_is_sent_by_tls_and_with_a_password(
    mailbox: Mailbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    tls = request.node.callspec.params["mailbox"]
    account = {"tls": tls, "user": "mlo", "password": Secret(file=str(secret))}
    outcome = email(mailbox, **account).run(alert())
    assert outcome.said == "mailed to ops@example.org, ada@example.org"
    assert mailbox.signed_in == [b"mlo"]
    secret.write_text("wrong\n")
    outcome = email(mailbox, **account).run(alert())
    assert (outcome.done, outcome.again) == (False, False)
    assert outcome.said == "localhost answered 535"
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("mailbox", ["tls"], indirect=True)
def test_a_mail_server_that_nobody_vouches_for_gets_nothing(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    outcome = attempt(email(mailbox, tls="tls"), alert())
    assert not outcome.done
    assert mailbox.mails == []


@pytest.mark.parametrize(("answer", "again"), [("451 later", True), ("554 never", False)])
def test_a_mail_that_is_refused_for_now_is_sent_again(
    mailbox: Mailbox, answer: str, *, again: bool
) -> None:
    mailbox.refuse = answer
    outcome = email(mailbox).run(alert())
    assert (outcome.done, outcome.again) == (False, again)
    assert outcome.said == f"localhost answered {answer[:3]}"


def test_a_mail_server_that_is_away_is_asked_again() -> None:
    outcome = attempt(email(Mailbox(port=9)), alert())
    assert (outcome.done, outcome.again, outcome.said) == (False, True, "connection refused")


def test_a_command_gets_the_alert_on_its_input_and_in_variables(tmp_path: Path) -> None:
    command = 'cat > alert.json; echo "$MLO_ALERT_RULE $MLO_ALERT_STATE v$MLO_ALERT_VERSION"'
    outcome = Command(CommandAction(command), tmp_path).run(alert())
    assert (outcome.done, outcome.said) == (True, "it ended with 0: inputs firing v3")
    assert json.loads((tmp_path / "alert.json").read_text())["reason"].startswith("2 of 9")


def test_a_command_that_fails_is_told_by_the_last_it_printed_without_secrets(
    tmp_path: Path,
) -> None:
    command = "echo no; echo password=hunter2 >&2; exit 3"
    outcome = Command(CommandAction(command), tmp_path).run(alert())
    assert (outcome.done, outcome.again) == (False, True)
    assert outcome.said.startswith("it ended with 3: no | ")
    assert "hunter2" not in outcome.said


def test_a_command_that_takes_too_long_is_ended_with_all_it_began(tmp_path: Path) -> None:
    command = "sleep 60 & echo $! > child; sleep 60"
    outcome = Command(CommandAction(command, timeout_s=0.3), tmp_path).run(alert())
    assert outcome.said == "it was stopped after 0.3 s"
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 10
    while is_at_work(child):
        assert time.monotonic() < end


def test_a_command_is_ended_with_the_monitor_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "child").touch()
    program = (
        "from pathlib import Path\n"
        "from mlops_cli.core.config_actions import CommandAction\n"
        "from mlops_cli.monitor.watch.deliver.command import Command\n"
        "from tests.monitor.watch.conftest import alert\n"
        "command = 'sleep 60 & echo $! > child; echo at work > begun; sleep 60'\n"
        "Command(CommandAction(command), Path('.')).run(alert())\n"
    )
    root = Path(__file__).parents[3]
    monitor = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}
    )
    end = time.monotonic() + 30
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < end
        assert monitor.poll() is None
    monitor.kill()
    monitor.wait()
    child = int((tmp_path / "child").read_text())
    while is_at_work(child):
        assert time.monotonic() < end


@pytest.mark.parametrize("held", ["hooks.example.org/x", "http://[::1/", "http:///services"])
def test_a_variable_that_holds_no_address_is_told_and_what_it_holds_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    monkeypatch.setenv("SLACK_URL", held)
    for action in (
        Slack(SlackAction(Secret(env="SLACK_URL")), tmp_path),
        Webhook(WebhookAction(Secret(env="SLACK_URL")), tmp_path),
    ):
        said = attempt(action, alert()).said
        assert said == "what is in the variable SLACK_URL is no address such as https://HOST/PATH"
    monkeypatch.setenv("SLACK_URL", " ")
    assert attempt(action, alert()).said.startswith("the variable SLACK_URL is empty")


def is_at_work(process: int) -> bool:
    """Return whether a process is there, and is not only waiting to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_command_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    outcome = attempt(Command(CommandAction(("no-such-program",)), tmp_path), alert())
    assert (outcome.done, outcome.said) == (False, "no such file or directory")


def test_a_secret_that_is_not_there_is_told_by_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="the variable SLACK_URL is not set"):
        reveal(Secret(env="SLACK_URL"), tmp_path, {})
    with pytest.raises(ExternalError, match=r"cannot read the secret in '.*/none': no such file"):
        reveal(Secret(file="none"), tmp_path)
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(RequestError, match="there is no secret of one line in"):
        reveal(Secret(file="empty"), tmp_path)


def test_letters_of_any_kind_arrive_and_those_that_are_none_stop_nothing(
    hook: Hook, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URL", hook.url)
    odd = alert(reason="größe \udcff \u202e 😀")
    where = Secret(env="URL")
    for action in (
        Webhook(WebhookAction(where), tmp_path),
        Slack(SlackAction(where), tmp_path),
        email(mailbox),
        Command(CommandAction("cat > /dev/null"), tmp_path),
    ):
        assert attempt(action, odd).done
    assert json.loads(hook.bodies[0])["reason"] == odd.reason
    mail = message_from_bytes(mailbox.mails[0], policy=policy.default)
    assert "größe ? \u202e 😀" in mail.get_content()
