"""How a rule stands: when people are told, when not, and that nothing is told twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.config_monitor import DriftRule, Rule
from mlops_cli.core.ids import ObjectId
from mlops_cli.monitor.watch import standing
from mlops_cli.monitor.watch.alerts import Finding
from mlops_cli.monitor.watch.standing import Told

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BROKEN = Finding("broken", "it drifted", version=3, version_id=ObjectId("a" * 64))
HOLDS = Finding("holds", "all is well", version=3, version_id=ObjectId("a" * 64))
UNSURE = Finding("no verdict", "too few rows")
RULE = Rule("inputs", "drift", DriftRule("churn"), cooldown_s=3600)
NEW = standing.new(RULE)


def after(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def told(news: tuple[Told, ...]) -> list[tuple[str, bool, bool]]:
    return [(one.alert.state, one.new, one.act) for one in news]


def test_a_rule_that_breaks_is_told_at_once_and_once() -> None:
    state, news = standing.found(RULE, NEW, BROKEN, NOON)
    assert told(news) == [("firing", True, True)]
    assert news[0].alert.reason == "it drifted"
    assert news[0].alert.title == "inputs of churn v3"
    assert state.state(NOON) == "firing"
    state, news = standing.found(RULE, state, BROKEN, after(5))
    assert told(news) == []


def test_for_asks_for_a_time_or_for_checks_in_a_row() -> None:
    slow = replace(RULE, for_s=600)
    state, news = standing.found(slow, NEW, BROKEN, NOON)
    assert (state.state(NOON), news) == ("pending", ())
    state, news = standing.found(slow, state, BROKEN, after(9))
    assert news == ()
    state, news = standing.found(slow, state, BROKEN, after(10))
    assert told(news) == [("firing", True, True)]
    assert news[0].alert.since == standing.stamp(NOON)

    thrice = replace(RULE, times=3)
    state, news = standing.found(thrice, NEW, BROKEN, NOON)
    state, news = standing.found(thrice, state, BROKEN, after(1))
    state, news = standing.found(thrice, state, HOLDS, after(2))
    assert (state.state(after(2)), news) == ("ok", ())
    for minute in (3, 4):
        state, news = standing.found(thrice, state, BROKEN, after(minute))
        assert news == ()
    state, news = standing.found(thrice, state, BROKEN, after(5))
    assert told(news) == [("firing", True, True)]


def test_what_is_over_is_told_under_the_same_id() -> None:
    state, first = standing.found(RULE, NEW, BROKEN, NOON)
    state, news = standing.found(RULE, state, HOLDS, after(5))
    assert told(news) == [("resolved", True, True)]
    assert news[0].alert.id == first[0].alert.id
    assert state.state(after(5)) == "resolved"
    assert state.state(after(60 * 25)) == "ok"


def test_within_the_cool_down_nobody_is_asked_to_act_again() -> None:
    state, first = standing.found(RULE, NEW, BROKEN, NOON)
    state, _ = standing.found(RULE, state, HOLDS, after(5))
    state, news = standing.found(RULE, state, BROKEN, after(10))
    assert told(news) == [("firing", True, False)]  # recorded, and no more
    assert news[0].alert.id != first[0].alert.id
    _, over = standing.found(RULE, state, HOLDS, after(20))
    assert told(over) == [("resolved", True, False)]  # those who were not told of it
    state, news = standing.found(RULE, state, BROKEN, after(60))
    assert told(news) == [("firing", False, True)]
    state, news = standing.found(RULE, state, BROKEN, after(119))
    assert news == ()
    state, news = standing.found(RULE, state, BROKEN, after(120))
    assert told(news) == [("firing", False, True)]
    assert news[0].alert.again


def test_too_little_to_judge_by_changes_nothing() -> None:
    state, _ = standing.found(RULE, NEW, UNSURE, NOON)
    assert state.state(NOON) == "no verdict", "what was not tested is not said to be fine"
    state, _ = standing.found(RULE, NEW, BROKEN, NOON)
    state, news = standing.found(RULE, state, UNSURE, after(5))
    assert (state.state(after(5)), news) == ("firing", ())
    assert state.reason == "too few rows"


def test_a_check_that_cannot_be_made_is_told_and_never_counts_as_well() -> None:
    twice = replace(RULE, times=2)
    state, news = standing.not_found(twice, NEW, "no such model", NOON)
    assert (state.state(NOON), news) == ("cannot check", ())
    state, news = standing.not_found(twice, state, "no such model", after(5))
    assert told(news) == [("cannot check", True, True)]
    assert state.reason == "no such model"
    state, news = standing.found(twice, state, HOLDS, after(10))
    assert told(news) == [("resolved", True, True)]
    assert news[0].alert.reason == "it can be checked again: all is well"
    assert state.state(after(10)) == "ok"


def test_what_fires_and_cannot_be_checked_goes_on_firing() -> None:
    state, fired = standing.found(RULE, NEW, BROKEN, NOON)
    state, news = standing.not_found(RULE, state, "the log is damaged", after(5))
    assert told(news) == [("cannot check", True, True)]
    assert news[0].alert.version == 3
    assert state.state(after(5)) == "firing"
    state, news = standing.found(RULE, state, HOLDS, after(10))
    assert told(news) == [("resolved", True, True), ("resolved", True, True)]
    assert news[1].alert.id == fired[0].alert.id


def test_another_version_is_another_alert() -> None:
    state, first = standing.found(RULE, NEW, BROKEN, NOON)
    other = replace(BROKEN, version=4, version_id=ObjectId("b" * 64))
    state, news = standing.found(RULE, state, other, after(5))
    assert told(news) == [("resolved", True, True), ("firing", True, False)]
    assert (news[0].alert.id, news[0].alert.reason) == (first[0].alert.id, "v4 is in its place")
    assert state.broken is not None
    assert state.broken.version == 4


def test_what_is_silenced_is_recorded_and_told_to_nobody_until_then() -> None:
    state, news = standing.found(RULE, NEW, BROKEN, NOON, silenced=True)
    assert told(news) == [("firing", True, False)]
    state, news = standing.found(RULE, state, BROKEN, after(5), silenced=True)
    assert news == ()
    _, over = standing.found(RULE, state, HOLDS, after(7), silenced=True)
    assert told(over) == [("resolved", True, False)]
    state, news = standing.found(RULE, state, BROKEN, after(10))
    assert told(news) == [("firing", False, True)]
    assert not news[0].alert.again


def test_a_rule_that_is_asked_no_more_ends_its_alert() -> None:
    state, _ = standing.found(RULE, NEW, BROKEN, NOON)
    assert told(standing.gone(state, "the rule is gone", after(5))) == [("resolved", True, True)]
    assert standing.gone(NEW, "the rule is gone", NOON) == ()


def test_a_rule_is_known_by_what_it_asks() -> None:
    assert standing.asks(RULE) == standing.asks(replace(RULE, cooldown_s=1, severity="critical"))
    assert standing.asks(RULE) != standing.asks(replace(RULE, check=DriftRule("churn", 60)))


CHECKS = st.lists(
    st.tuples(
        st.sampled_from(["broken", "holds", "no verdict", "error"]),
        st.integers(1, 90),
        st.booleans(),
        st.integers(3, 4),
    ),
    max_size=30,
)


@given(CHECKS, st.integers(1, 3), st.integers(0, 30), st.integers(1, 120))
def test_whatever_happens_alerts_begin_and_end_in_turn(
    checks: list[tuple[str, int, bool, int]], times: int, for_min: int, cooldown_min: int
) -> None:
    rule = replace(RULE, times=times, for_s=for_min * 60, cooldown_s=cooldown_min * 60)
    state, now, live, acted = NEW, NOON, set[str](), dict[str, datetime]()
    for verdict, minutes, silenced, version in checks:
        now += timedelta(minutes=minutes)
        if verdict == "error":
            state, news = standing.not_found(rule, state, "no", now, silenced=silenced)
        else:
            finding = Finding(verdict, "", version=version, version_id=ObjectId(str(version)))  # type: ignore[arg-type]
            state, news = standing.found(rule, state, finding, now, silenced=silenced)
        for one in news:
            if one.alert.state == "resolved":
                live.remove(one.alert.id)
                continue
            assert one.new == (one.alert.id not in live)
            live.add(one.alert.id)
            assert not (one.act and silenced)
            if one.act:
                last = acted.get(one.alert.state)
                assert last is None or now - last >= timedelta(minutes=cooldown_min)
                acted[one.alert.state] = now
        troubles = [one for one in (state.broken, state.unchecked) if one and one.told]
        assert live == {one.id for one in troubles}
        assert (state.state(now) == "firing") == bool(state.broken and state.broken.told)
