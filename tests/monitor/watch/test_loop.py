"""The monitor as a daemon: ended, killed, twice at once, and with settings that change."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_cli.audit import chain
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.monitor.watch import lead, listen
from mlops_cli.monitor.watch.loop import Loop
from tests.monitor.conftest import Shop
from tests.monitor.watch.conftest import Guard, Hook

QUIET = "{every: 1s, rules: {asked: {volume: churn, min: 1}}}"


class Ended(BaseException):
    """What ends a loop."""


def loop(guard: Guard, steps: int, each: object = None, **options: object) -> Loop:
    """Return a loop that ends after some waits; `each` is called with the number of each."""
    seen = iter(range(1, 1000))

    def on_wait() -> None:
        number = next(seen)
        if callable(each):
            each(number)
        if number >= steps:
            raise Ended

    guard.clock.on_wait = on_wait
    repo = open_repository(guard.repo.root)
    return Loop(repo, guard.clock, guard.clock.wait, guard.said.append, **options)  # type: ignore[arg-type]


def test_it_goes_round_and_writes_what_prometheus_reads(
    shop: Shop, guard: Guard, tmp_path: Path
) -> None:
    shop.register()
    guard.settings(QUIET)
    page = tmp_path / "mlo.prom"
    with pytest.raises(Ended):
        loop(guard, 4, textfile=page).run()
    text = page.read_text()
    assert 'monitor_checks_total{rule="asked",outcome="done"} 4' in text
    assert 'model_predictions_per_hour{model="churn",rule="asked"} 0.0' in text
    assert "monitor_leader 1" in text
    assert [one.detail["state"] for one in chain.entries(guard.repo) if one.action == "alert"] == [
        "firing"
    ]


def test_settings_that_change_are_seen_and_wrong_ones_are_told_once(
    shop: Shop, guard: Guard
) -> None:
    shop.register()
    guard.settings(QUIET)
    texts = {
        1: QUIET.replace("asked:", "again:"),
        2: "{rules: {asked: {volume: churn}}}",
        3: "{rules: {asked: {volume: churn}}}",
        5: "{}",
    }

    def each(number: int) -> None:
        if number in texts:
            guard.settings(texts[number])

    with pytest.raises(Ended):
        loop(guard, 7, each).run()
    kept = [line for line in guard.said if line.startswith("the settings")]
    assert kept == [
        "the settings have changed",
        "the settings stay as they were: .mlops.yaml:1: 'monitor.rules.asked' asks for nothing",
        "the settings stay as they were: there are no rules to check",
    ]
    assert any(line.startswith("firing: again of churn") for line in guard.said)


def test_a_round_that_cannot_be_kept_is_told_and_the_next_one_tried(
    shop: Shop, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_cli.monitor.watch import memory as memories

    shop.register()
    guard.settings(QUIET)
    real, calls = memories.save, iter(range(100))

    def full(*arguments: object) -> None:
        if next(calls) < 2:
            raise ExternalError("cannot write '.mlo/monitor/state': no space left on device")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(memories, "save", full)
    with pytest.raises(Ended):
        loop(guard, 5).run()
    why = "cannot write '.mlo/monitor/state': no space left on device"
    assert f"nothing can be recorded: {why}" in guard.said
    alerts = [one for one in chain.entries(guard.repo) if one.action == "alert"]
    assert [one.detail["rule"] for one in alerts] == ["asked", "recording"]


def test_a_rule_is_told_by_its_hook_while_another_hook_goes_on_to_drip(
    shop: Shop, guard: Guard, hook: Hook, dripping: int
) -> None:
    shop.register()
    guard.settings(
        f"{{every: 1s, actions: {{slow: {{webhook: 'http://127.0.0.1:{dripping}'}},"
        " late: {command: 'sleep 3'},"
        f" pager: {{webhook: '{hook.url}'}}}},"
        " rules: {first: {volume: churn, min: 1, actions: [slow, late, pager]},"
        " second: {volume: churn, min: 2, actions: [slow, pager]}}}"
    )
    arrived = threading.Event()

    def each(_: int) -> None:
        arrived.wait(0.05)
        if len(hook.bodies) >= 2 and sum("pager: " in line for line in guard.said) >= 2:
            raise Ended

    began = time.monotonic()
    with pytest.raises(Ended):
        loop(guard, 200, each).run()
    assert time.monotonic() - began < 10
    assert {json.loads(body)["rule"] for body in hook.bodies} == {"first", "second"}


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_who_waits_says_so_to_prometheus_and_is_well(shop: Shop, guard: Guard) -> None:
    guard.settings(QUIET)
    urls: list[str] = []
    pages: list[tuple[int, str]] = []
    with pytest.raises(Ended), lead.leading(guard.repo):
        loop(
            guard,
            2,
            lambda _: pages.extend((get(urls[0]), get(urls[0].replace("metrics", "health")))),
            listen_at=("127.0.0.1", 0),
            told=urls.append,
        ).run()
    assert pages[0][0] == 200
    assert "monitor_leader 0" in pages[0][1]
    assert pages[1] == (200, "ok\n")
    assert [line for line in guard.said if "waiting to take over" in line]


def test_it_listens_where_it_may_and_tells_when_it_is_not_well() -> None:
    ailing: list[str | None] = [None]
    with listen.serving(("127.0.0.1", 0), lambda: "up 1\n", lambda: ailing[-1]) as url:
        assert get(url) == (200, "up 1\n")
        health = url.replace("metrics", "health")
        assert get(health) == (200, "ok\n")
        ailing.append("no round has ended for 99 s")
        assert get(health) == (503, "no round has ended for 99 s\n")
        assert get(url.replace("metrics", "other"))[0] == 404
        port = int(url.split(":")[2].partition("/")[0])
        with (
            pytest.raises(ExternalError, match=f"cannot listen at 127.0.0.1:{port}: address"),
            listen.serving(("127.0.0.1", port), lambda: "", lambda: None),
        ):
            pass
    for wrong in ("here", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:-1"):
        with pytest.raises(RequestError, match="is no place to listen at"):
            listen.address(wrong)


@contextmanager
def started(root: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run `mlo monitor` as a process of its own."""
    program = Path(sys.executable).parent / "mlo"
    process = subprocess.Popen(
        [program, "monitor", "--listen", "127.0.0.1:0", "--json"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(100, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def line_with(stream: object, text: str) -> str:
    """Return the next line that has a text."""
    for line in stream:  # type: ignore[attr-defined]
        if text in line:
            return str(line)
    raise AssertionError(f"nobody said {text}")


def test_one_that_is_killed_is_followed_by_the_one_that_waits_and_nothing_is_told_twice(
    shop: Shop, guard: Guard
) -> None:
    shop.register()
    guard.settings(
        "{every: 1s, actions: {note: {command: 'echo >> told'}},"
        " rules: {asked: {volume: churn, min: 1, actions: note}}}"
    )
    with started(shop.root) as first:
        line_with(first.stderr, "note: it ended with 0")  # in its first round, so it leads
        url = json.loads(line_with(first.stdout, "url"))["url"]
        assert "monitor_leader 1" in get(url)[1]
        assert get(url.replace("metrics", "health"))[0] == 200
        with started(shop.root) as second:
            waiting = line_with(second.stderr, "waiting to take over")
            assert f"(process {first.pid})" in waiting
            first.send_signal(signal.SIGKILL)
            first.wait()
            url = json.loads(line_with(second.stdout, "url"))["url"]
            line_with(second.stderr, "this one takes over")
            assert get(url)[0] == 200
            second.send_signal(signal.SIGTERM)
            assert second.wait(30) == 0
            assert second.stderr is not None
            assert "Traceback" not in second.stderr.read()
    assert (shop.root / "told").read_text() == "\n"
    alerts = [one for one in chain.entries(shop.repo) if one.action == "alert"]
    assert len(alerts) == 1
