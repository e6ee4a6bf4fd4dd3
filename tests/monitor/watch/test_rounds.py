"""Going round: what is checked and done in which order, what is kept, and what a kill costs."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.audit import chain
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import IntegrityError, Locked, RequestError
from mlops_cli.monitor.watch import checking, errands, lead, once, silences
from mlops_cli.monitor.watch import memory as memories
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Finding, Sample
from mlops_cli.monitor.watch.page import page
from mlops_cli.monitor.watch.rounds import Rounds
from mlops_cli.registry import models
from mlops_cli.registry.lineage.trace import trace
from tests.monitor.conftest import Shop, table
from tests.monitor.watch.conftest import PASSWORD, Guard, Hook

ONE = "{actions: {note: {command: 'cat >> told'}}, rules: {inputs: {drift: churn, actions: note}}}"


@pytest.fixture
def drifted(shop: Shop) -> Shop:
    """Return a project whose model is asked something else than it was trained on."""
    frame = table(200, 2).drop(columns="price")
    shop.answer(shop.register(), frame.assign(width=frame["width"] + 1))
    return shop


def told(guard: Guard) -> list[dict[str, Any]]:
    """Return the alerts that the action `note` was given."""
    path = guard.repo.root / "told"
    text = path.read_text().replace("}{", "}\n{") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def recorded(guard: Guard) -> list[tuple[str, str]]:
    """Return what the audit record has of alerts, oldest first."""
    found = chain.entries(open_repository(guard.repo.root))
    return [
        (one.action, str(one.detail.get("state"))) for one in found if one.action.startswith("al")
    ]


def test_drift_is_recorded_then_told_and_leads_there_from_the_version(
    drifted: Shop, guard: Guard
) -> None:
    guard.settings(ONE)
    report = guard.check()
    (rule,) = report.rules
    assert (rule.state, rule.version, rule.reason) == (
        "firing",
        1,
        "1 of 2 columns (width) drifted",
    )
    assert recorded(guard) == [("alert", "firing"), ("alert action", "firing")]
    first, action = chain.entries(guard.repo)[-2:]
    version = chain.entries(guard.repo)[0].detail["event"]
    assert (first.subject, first.detail["version"]) == ("churn v1 inputs", version)
    assert first.detail["facts"]["columns"][0]["name"] == "width"
    assert (action.detail["action"], action.detail["done"]) == ("note", True)
    assert action.detail["entry"] == first.oid
    assert [one["alert"] for one in told(guard)] == [rule.alert]
    led = [one.name for one in trace(guard.repo, "churn@v1", down=True, up=False).down]
    assert any(name.startswith("inputs firing") for name in led)


def test_what_was_told_is_not_told_again_by_the_next_process(drifted: Shop, guard: Guard) -> None:
    guard.settings(ONE)
    guard.check()
    guard.later(minutes=5)
    assert guard.check().rules[0].state == "firing"
    assert len(told(guard)) == 1
    guard.later(hours=4)
    guard.check()
    assert len(told(guard)) == 2


@pytest.mark.parametrize("killed_at", range(6))
def test_whenever_it_is_killed_the_next_one_tells_and_records_it_once(
    drifted: Shop, guard: Guard, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """A kill before or after each write: at most the action itself is done once more."""
    guard.settings(ONE)
    steps = iter(range(100))

    class Killed(BaseException):
        pass

    def deadly(module: Any, name: str) -> None:
        real = getattr(module, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if next(steps) == killed_at:
                raise Killed
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, call)

    deadly(memories, "save")
    deadly(chain, "record")
    deadly(errands, "attempt")
    with pytest.raises(Killed):
        guard.check()
    monkeypatch.undo()
    monkeypatch.chdir(guard.repo.root)
    guard.later(minutes=1)
    assert guard.check().rules[0].state == "firing"
    assert recorded(guard) == [("alert", "firing"), ("alert action", "firing")]
    assert 1 <= len(told(guard)) <= 2
    assert len({one["alert"] for one in told(guard)}) == 1
    assert memories.load(guard.repo).errands == []


def test_a_dry_run_says_what_would_be_done_and_does_nothing(drifted: Shop, guard: Guard) -> None:
    guard.settings(ONE)
    one = guard.going(dry=True)
    one.go(all_rules=True)
    report = one.report()
    assert report.rules[0].state == "firing"
    assert [(each.action, each.does) for each in report.planned] == [("note", "run cat >> told")]
    assert recorded(guard) == []
    assert told(guard) == []
    assert not guard.repo.layout.monitor.exists()


def test_an_action_that_fails_is_tried_again_later_and_given_up_on_record(
    drifted: Shop, guard: Guard, hook: Hook
) -> None:
    hook.statuses = [503] * 100
    guard.settings(
        f"{{actions: {{pager: {{webhook: '{hook.url}/{PASSWORD}'}}}},"
        " rules: {inputs: {drift: churn, actions: pager, every: 1d}}}"
    )
    one = guard.going()
    one.go()
    assert len(hook.bodies) == 1
    one.go()
    assert len(hook.bodies) == 1, "not before its pause is over"
    assert one.next_s() == errands.PAUSES_S[0]
    for count, pause in enumerate(errands.PAUSES_S, 2):
        guard.later(seconds=pause)
        one = guard.going()  # as after a restart
        one.go()
        assert len(hook.bodies) == count
    assert one.memory.errands == []
    last = chain.entries(guard.repo)[-1]
    assert (last.action, last.detail["done"], last.detail["tries"]) == ("alert action", False, 6)
    assert last.detail["said"].endswith("answered 503")
    kept = b"".join(path.read_bytes() for path in guard.repo.layout.monitor.iterdir())
    assert PASSWORD.encode() not in kept
    assert all(PASSWORD not in line for line in guard.said)


def test_what_waits_is_done_once_the_other_side_is_back(
    drifted: Shop, guard: Guard, hook: Hook
) -> None:
    hook.statuses = [500]
    guard.settings(
        f"{{actions: {{pager: {{webhook: '{hook.url}'}}}},"
        " rules: {inputs: {drift: churn, actions: pager}}}"
    )
    guard.check()
    guard.later(seconds=10)
    guard.check()
    assert len(hook.bodies) == 2
    keys = {headers["Idempotency-Key"] for headers in hook.headers}
    assert len(keys) == 1, "who is told twice can know"


def test_what_is_over_is_told_after_what_had_begun(drifted: Shop, guard: Guard, hook: Hook) -> None:
    hook.statuses = [500]
    guard.settings(
        f"{{actions: {{pager: {{webhook: '{hook.url}'}}}},"
        " rules: {inputs: {drift: churn, last: 60, actions: pager}}}"
    )
    guard.check()
    drifted.answer(models.resolve(drifted.repo, "churn"), table(100, 9).drop(columns="price"))
    guard.now()
    assert guard.check().rules[0].state == "resolved"
    assert len(hook.bodies) == 1
    guard.later(seconds=60)
    guard.check()
    states = [json.loads(body)["state"] for body in hook.bodies]
    assert states == ["firing", "firing", "resolved"]


def test_a_rule_that_cannot_be_checked_is_told_and_the_others_go_on(
    drifted: Shop, guard: Guard
) -> None:
    guard.settings(
        "{rules: {lost: {drift: chrun}, inputs: {drift: churn}, old: {drift: churn@v9}}}"
    )
    report = guard.check()
    states = {one.rule: (one.state, one.reason) for one in report.rules}
    assert states["lost"] == ("cannot check", "there is no model 'chrun'")
    assert states["old"][0] == "cannot check"
    assert states["inputs"][0] == "firing"
    assert (report.firing, report.unchecked, report.holds) == (1, 2, False)
    assert recorded(guard).count(("alert", "cannot check")) == 2


def test_a_bug_in_a_check_ends_nothing(
    drifted: Shop, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> Finding:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(checking, "check", broken)
    guard.settings(ONE)
    (rule,) = guard.check().rules
    assert rule.state == "cannot check"
    assert rule.reason == "a bug in mlo or a library: ZeroDivisionError: division by zero"
    assert any("Traceback" in line for line in guard.said)


def test_whatever_a_check_finds_can_be_kept_recorded_and_sent(
    drifted: Shop, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    facts = {"n": np.int64(3), "worst": np.float64("nan"), "by": {1: (np.True_, {"a"})}}
    found = Finding("broken", "na\u00efve \udcff \n x", float("nan"), float("inf"), facts=facts)
    monkeypatch.setattr(checking, "check", lambda _: found)
    guard.settings(ONE)
    guard.check()
    held = chain.entries(guard.repo)[-2].detail
    assert held["facts"] == {"n": 3, "worst": "nan", "by": {"1": [True, "{'a'}"]}}
    assert (held["value"], held["limit"]) == ("nan", "inf")
    assert told(guard)[0]["facts"]["n"] == 3
    assert guard.check().rules[0].state == "firing"


def test_a_bug_in_an_action_is_on_record(
    drifted: Shop, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_cli.monitor.watch.deliver.command import Command

    def broken(_: object, __: object) -> Outcome:
        raise KeyError(PASSWORD)

    monkeypatch.setattr(Command, "run", broken)
    guard.settings(ONE)
    guard.check()
    last = chain.entries(guard.repo)[-1]
    assert (last.detail["done"], last.detail["said"]) == (
        False,
        "a bug in mlo or a library: KeyError",
    )


def test_each_rule_is_checked_as_often_as_it_says(drifted: Shop, guard: Guard) -> None:
    guard.settings(
        "{every: 10m, rules: {a: {drift: churn}, b: {volume: churn, min: 1, every: 1h}}}"
    )
    one = guard.going()
    one.go()
    assert one.next_s() == pytest.approx(600)
    guard.later(minutes=10)
    one.go()
    checks = {name: one.memory.counts["monitor_checks_total", name, "done"] for name in "ab"}
    assert checks == {"a": 2, "b": 1}
    guard.later(days=-1)
    assert one.next_s() == 0, "a clock that was set back stops nothing"


def test_a_rule_that_goes_or_changes_ends_its_alert(drifted: Shop, guard: Guard) -> None:
    guard.settings(ONE)
    guard.check()
    guard.settings(ONE.replace("drift: churn,", "drift: churn, last: 60,"))
    guard.later(minutes=1)
    assert guard.check().rules[0].state == "firing"
    assert recorded(guard)[2:] == [
        ("alert", "resolved"),
        ("alert", "firing"),
        ("alert action", "firing"),
    ]
    guard.settings("{actions: {note: {command: x}}, rules: {other: {volume: churn, min: 1}}}")
    guard.later(minutes=1)
    guard.check()
    last = chain.entries(guard.repo)[-1]
    assert (last.detail["state"], last.detail["rule"]) == ("resolved", "inputs")
    assert last.detail["reason"] == "the rule is not in the settings any more"


def test_nobody_is_told_of_what_is_silenced_until_the_time_is_over(
    drifted: Shop, guard: Guard
) -> None:
    guard.settings(ONE)
    until = silences.silence(guard.repo, "inputs", 3600, guard.clock(), reason="known")
    report = guard.check()
    assert (report.rules[0].state, report.rules[0].silenced) == ("firing", until)
    assert recorded(guard) == [("alert", "firing")]
    guard.later(minutes=61)
    assert guard.check().rules[0].silenced is None
    assert len(told(guard)) == 1
    silences.silence(guard.repo, "inputs", 3600, guard.clock())
    silences.silence(guard.repo, "inputs", 0, guard.clock())
    assert silences.silenced(guard.repo, guard.clock()) == {}
    with (guard.repo.layout.monitor / "silences").open("ab") as file:
        file.write(b'{"rule": "inputs", "until": 7}\n{"ru')
    assert silences.silenced(guard.repo, guard.clock()) == {}


def test_what_is_kept_and_damaged_is_told_and_not_taken_for_nothing(
    drifted: Shop, guard: Guard
) -> None:
    guard.settings(ONE)
    guard.check()
    state = guard.repo.layout.monitor / "state"
    held = state.read_bytes()
    for bad in (held[:-9], b"[]", b'{"v":1}', held.replace(b'"times"', b'"tmies"')):
        state.write_bytes(bad)
        with pytest.raises(IntegrityError, match="what the monitor knew is damaged"):
            memories.load(guard.repo)
    state.write_bytes(b'{"v":2}')
    with pytest.raises(IntegrityError, match="has the format 2, unknown here"):
        memories.load(guard.repo)
    state.write_bytes(held)
    assert memories.load(guard.repo).standings["inputs"].broken is not None


def test_one_monitor_leads_and_another_waits_until_it_is_gone(guard: Guard) -> None:
    waited: list[float] = []
    heard: list[str] = []
    with lead.leading(guard.repo):
        with pytest.raises(Locked) as caught, lead.leading(guard.repo):
            pass
        assert caught.value.message == (
            f"`mlo monitor` (process {os.getpid()}) watches this repository already"
        )
        assert once.leader(guard.repo)
    assert not once.leader(guard.repo)
    first = lead.leading(guard.repo)
    first.__enter__()

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            first.__exit__(None, None, None)

    with lead.leading(guard.repo, wait=wait, on_wait=heard.append):
        assert len(waited) == 3
        assert len(heard) == 1


def test_what_rules_find_is_a_page_that_prometheus_reads(drifted: Shop, guard: Guard) -> None:
    from mlops_cli.core import exposition

    guard.settings(ONE.replace("rules: {", "rules: {twice: {drift: churn, last: 100}, "))
    one = guard.going()
    one.go(all_rules=True)
    text = page(one.settings, one.memory, one.report())
    found = list(exposition.samples(text))
    keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in found]
    assert len(keys) == len(set(keys))
    drift = {
        labels["rule"]: value
        for name, labels, value in found
        if name == "model_feature_drift" and labels["feature"] == "width"
    }
    assert set(drift) == {"inputs", "twice"}
    assert 0.3 < drift["inputs"] < 0.6
    states = [labels["state"] for name, labels, n in found if name == "monitor_rule_state" and n]
    assert states == ["firing", "firing"]
    counted = [
        (name, labels.get("state", labels.get("outcome")), n)
        for name, labels, n in found
        if labels.get("rule") == "inputs" and n and name.endswith("s_total")
    ]
    assert counted == [("monitor_alerts_total", "firing", 1), ("monitor_checks_total", "done", 1)]


def test_a_project_without_rules_is_told_what_to_write(guard: Guard) -> None:
    with pytest.raises(RequestError, match="there are no rules to check"):
        guard.going()
    guard.settings(ONE)
    with pytest.raises(RequestError, match="there is no rule 'input'"):
        once.check(
            open_repository(guard.repo.root),
            clock=guard.clock,
            wait=guard.clock.wait,
            say=pytest.fail,
            names=["input"],
        )


def test_once_tries_a_failed_action_a_few_times_and_leaves_it_to_the_next(
    drifted: Shop, guard: Guard, hook: Hook
) -> None:
    hook.statuses = [500] * 5
    guard.settings(
        f"{{actions: {{pager: {{webhook: '{hook.url}'}}}},"
        " rules: {inputs: {drift: churn, actions: pager}}}"
    )
    report, _ = once.check(
        guard.repo, clock=guard.clock, wait=guard.clock.wait, say=guard.said.append
    )
    assert len(hook.bodies) == 3
    assert [(one.action, one.tries) for one in report.waiting] == [("pager", 1)]
    guard.later(minutes=5)
    guard.settings(
        f"{{actions: {{pager: {{webhook: '{hook.url}'}}}},"
        " rules: {inputs: {drift: churn, actions: pager}, asked: {volume: churn, min: 1}}}"
    )
    before = guard.clock()
    report, _ = once.check(
        open_repository(guard.repo.root),
        clock=guard.clock,
        wait=guard.clock.wait,
        say=guard.said.append,
        names=["asked"],
    )
    assert len(hook.bodies) == 3, "the action is another rule's"
    assert (report.waiting, guard.clock()) == ((), before)
    report, _ = once.check(
        open_repository(guard.repo.root),
        clock=guard.clock,
        wait=guard.clock.wait,
        say=guard.said.append,
    )
    assert len(hook.bodies) == 6
    assert report.waiting == ()
    assert chain.entries(guard.repo)[-1].detail["tries"] == 2


def test_a_slow_action_goes_on_beside_the_checks(
    drifted: Shop, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from mlops_cli.monitor.watch.deliver.command import Command

    may_end, began = threading.Event(), threading.Event()

    def slowly(_: object, __: object) -> Outcome:
        began.set()
        assert may_end.wait(10)
        return Outcome(done=True, said="at last")

    monkeypatch.setattr(Command, "run", slowly)
    guard.settings(ONE)
    one = guard.going()
    one.beside = one.errands.beside = True
    slow = {name: _slow(action) for name, action in one.actions.items()}
    one.renew(one.repo, one.settings, slow)
    one.go()
    assert began.wait(10)
    assert one.report().waiting
    guard.later(minutes=5)
    one.go()
    assert one.memory.counts["monitor_checks_total", "inputs", "done"] == 2
    may_end.set()
    for _ in _until(lambda: not one.memory.errands):
        one.go()
    assert chain.entries(guard.repo)[-1].detail["said"] == "at last"


def _slow(action: Any) -> Any:
    from dataclasses import replace

    return replace(action, slow=True)


def _until(done: Any) -> Iterator[None]:
    import time

    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        yield


def test_samples_without_a_meaning_are_not_shown(guard: Guard, shop: Shop) -> None:
    """Every family that a check makes is one that the page explains."""
    import re

    from mlops_cli.monitor.watch.page import FAMILIES

    folder = Path(checking.__file__).parent / "checks"
    made = {
        found
        for path in folder.glob("*.py")
        for found in re.findall(r'"(model_[a-z_]+)"', path.read_text())
    }
    assert made == set(FAMILIES)
    assert Sample("model_drift", {}, 1.0).family in FAMILIES
    assert Rounds.__doc__
