"""How a rule stands: what one check makes of what was so before. Pure: clocks and checks are given.

```
            broken                 for long enough
   ok  ---------------->  pending  ------------------>  firing
    ^                        |                             |
    +------------------------+        holds                |
    |                                                      |
    +---- resolved  <--------------------------------------+
```

Beside it runs the same for checks that cannot be made. A check without a verdict changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from blake3 import blake3

from mlops_cli.core.clock import moment
from mlops_cli.core.config_monitor import Rule, Severity
from mlops_cli.core.config_values import as_written
from mlops_cli.core.ids import ObjectId
from mlops_cli.monitor.watch.alerts import Alert, Finding, News

State = Literal["unknown", "ok", "no verdict", "pending", "firing", "cannot check", "resolved"]
STATES: tuple[State, ...] = get_args(State)
_SHOWN_RESOLVED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Label:
    """What alerts say of their rule; it is kept, for a rule may be gone when its alert ends."""

    rule: str
    kind: str
    model: str
    severity: Severity
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not as it should be.

    Attributes:
        id: 16 hex digits, of the rule and the moment it began.
        times: checks in a row that found it so.
        told: when it had lasted long enough; None as long as it has not.
        acted: whether any action was asked for since.
        version: which it is about, where that is one.
    """

    id: str
    since: str
    times: int = 1
    told: str | None = None
    acted: bool = False
    version: int | None = None
    version_id: ObjectId | None = None
    entry: ObjectId | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one rule.

    Attributes:
        asks: what the rule asked then; a rule that asks for something else begins anew.
        label: of the rule as it was then.
        checked: when it was checked last, and `seconds` how long that took.
        broken: while it is, also while it cannot be checked.
        unchecked: while it cannot be checked.
        resolved: when it was found to hold again.
        acted: when its actions ran last, by what they were told.
        finding: what the last check found; None before the first.
        problem: why it cannot be checked.
    """

    asks: str
    label: Label
    checked: str | None = None
    seconds: float = 0.0
    broken: Trouble | None = None
    unchecked: Trouble | None = None
    resolved: str | None = None
    acted: Mapping[str, str] = field(default_factory=dict)
    finding: Finding | None = None
    problem: str | None = None

    def state(self, now: datetime) -> State:
        """Return how the rule stands, in one word."""
        if self.broken is not None and self.broken.told is not None:
            return "firing"
        if self.unchecked is not None:
            return "cannot check"
        if self.broken is not None:
            return "pending"
        if self.finding is None:
            return "unknown"
        if self.finding.verdict == "no verdict":
            return "no verdict"
        if self.resolved is not None and now - when(self.resolved) < _SHOWN_RESOLVED:
            return "resolved"
        return "ok"

    @property
    def kept(self) -> Any:
        """What the next check is to be given."""
        return None if self.finding is None else self.finding.kept

    @property
    def reason(self) -> str:
        """One line on why it stands so."""
        if self.problem is not None:
            return self.problem
        return "not checked yet" if self.finding is None else self.finding.reason


@dataclass(frozen=True, slots=True)
class Told:
    """An alert, whether it is new and so to be recorded, and whether actions are asked for."""

    alert: Alert
    new: bool
    act: bool


def stamp(now: datetime) -> str:
    """Return a moment as records have it."""
    return moment(round(now.timestamp() * 1_000_000) * 1000)


def when(text: str) -> datetime:
    """Return the moment that a record has."""
    return datetime.fromisoformat(text)


def new(rule: Rule) -> Standing:
    """Return how a rule stands that was never checked."""
    return Standing(asks(rule), label(rule))


def asks(rule: Rule) -> str:
    """Return what tells a rule from others: what it asks, not what is done when it breaks.

    What is not asked does not count, so that a newer mlo, which knows more to ask, goes on.
    """
    said = {key: one for key, one in as_written(rule.check).items() if one not in (None, False)}
    return blake3(repr((rule.name, sorted(said.items()))).encode()).hexdigest(8)


def label(rule: Rule) -> Label:
    """Return what alerts say of a rule."""
    return Label(rule.name, rule.kind, rule.model, rule.severity, rule.actions)


def found(
    rule: Rule, before: Standing, finding: Finding, now: datetime, *, silenced: bool = False
) -> tuple[Standing, tuple[Told, ...]]:
    """Return how a rule stands after a check, and what people are to be told."""
    after = replace(
        before,
        label=label(rule),
        checked=stamp(now),
        finding=finding,
        problem=None,
        unchecked=None,
    )
    news: list[Told] = []
    if before.unchecked is not None:
        said = f"it can be checked again: {finding.reason}"
        news += _ended(label(rule), before.unchecked, said, now, silenced=silenced)
    broken = before.broken
    if broken is not None and finding.version_id not in (None, broken.version_id):
        news += _ended(
            label(rule), broken, f"v{finding.version} is in its place", now, silenced=silenced
        )
        broken = None
    if finding.verdict == "holds" and broken is not None:
        news += _ended(label(rule), broken, finding.reason, now, silenced=silenced)
        broken = None
    if finding.verdict == "broken":
        longer = _longer(rule, broken, now, finding.version, finding.version_id)
        broken, acted, told = _due(
            rule, longer, "firing", finding, after.acted, now, silenced=silenced
        )
        news += told
        after = replace(after, acted=acted)
    if before.broken is not None and before.broken.told and broken is None:
        after = replace(after, resolved=stamp(now))
    return replace(after, broken=broken), tuple(news)


def not_found(
    rule: Rule, before: Standing, problem: str, now: datetime, *, silenced: bool = False
) -> tuple[Standing, tuple[Told, ...]]:
    """Return how a rule stands that could not be checked, and what people are to be told.

    What was broken stays so.
    """
    held = before.broken
    version = (None, None) if held is None else (held.version, held.version_id)
    trouble = _longer(rule, before.unchecked, now, *version)
    said = Finding("no verdict", problem, version=version[0], version_id=version[1])
    unchecked, acted, news = _due(
        rule, trouble, "cannot check", said, before.acted, now, silenced=silenced
    )
    after = replace(
        before,
        label=label(rule),
        checked=stamp(now),
        problem=problem,
        unchecked=unchecked,
        acted=acted,
    )
    return after, news


def gone(before: Standing, why: str, now: datetime) -> tuple[Told, ...]:
    """Return what people are to be told of a rule that is not asked any more."""
    troubles = [one for one in (before.broken, before.unchecked) if one is not None]
    return tuple(told for one in troubles for told in _ended(before.label, one, why, now))


def _longer(
    rule: Rule,
    trouble: Trouble | None,
    now: datetime,
    version: int | None,
    version_id: ObjectId | None,
) -> Trouble:
    """Return a trouble that was found once more, or for the first time."""
    if trouble is not None:
        return replace(trouble, times=trouble.times + 1)
    since = stamp(now)
    key = blake3(f"{rule.name} {rule.about} {since}".encode()).hexdigest(8)
    return Trouble(key, since, version=version, version_id=version_id)


def _due(
    rule: Rule,
    trouble: Trouble,
    news: News,
    finding: Finding,
    acted: Mapping[str, str],
    now: datetime,
    *,
    silenced: bool,
) -> tuple[Trouble, Mapping[str, str], tuple[Told, ...]]:
    """Return a trouble and when actions ran last, after what is to be told of it, if it is time."""
    lasted = now - when(trouble.since)
    if trouble.times < rule.times or lasted < timedelta(seconds=rule.for_s):
        return trouble, acted, ()
    last = acted.get(news)
    rested = last is None or now - when(last) >= timedelta(seconds=rule.cooldown_s)
    new, act = trouble.told is None, rested and not silenced
    if not (new or act):
        return trouble, acted, ()
    alert = _alert(label(rule), trouble, news, finding, now, again=not new and trouble.acted)
    told = replace(trouble, told=trouble.told or stamp(now), acted=trouble.acted or act)
    return told, {**acted, news: stamp(now)} if act else acted, (Told(alert, new, act),)


def _ended(
    of: Label, trouble: Trouble, reason: str, now: datetime, *, silenced: bool = False
) -> tuple[Told, ...]:
    """Return the news that a trouble is over, if anybody was told of it."""
    if trouble.told is None:
        return ()
    finding = Finding("holds", reason, version=trouble.version, version_id=trouble.version_id)
    alert = _alert(of, trouble, "resolved", finding, now)
    return (Told(alert, new=True, act=trouble.acted and not silenced),)


def _alert(
    of: Label,
    trouble: Trouble,
    news: News,
    finding: Finding,
    now: datetime,
    *,
    again: bool = False,
) -> Alert:
    return Alert(
        id=trouble.id,
        state=news,
        rule=of.rule,
        kind=of.kind,
        severity=of.severity,
        model=of.model,
        version=finding.version,
        version_id=finding.version_id,
        reason=finding.reason,
        since=trouble.since,
        time=stamp(now),
        value=finding.value,
        limit=finding.limit,
        facts=finding.facts,
        entry=trouble.entry,
        again=again,
    )
