"""Going round the rules: check each that is due, and do what is to be done about it."""

import time
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlops_cli.core.config_monitor import Monitor, Rule, Severity
from mlops_cli.core.records import replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError, RequestError
from mlops_cli.monitor.watch import checking, errands, silences, standing, words
from mlops_cli.monitor.watch.actions import Action
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.errands import Clock, Errands, Say
from mlops_cli.monitor.watch.memory import Errand, Memory
from mlops_cli.monitor.watch.rules import Asked
from mlops_cli.monitor.watch.standing import Standing, State, Told, when

CHECKS = "monitor_checks_total"
GONE = "the rule is not in the settings any more"
CHANGED = "the rule was changed, and asks for something else now"


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be done about an alert, where it is a dry run."""

    alert: Alert
    action: str
    does: str


@dataclass(frozen=True, slots=True)
class RuleReport:
    """How a rule stands.

    Attributes:
        since: when it began to be broken, or not to be checked; None where it is neither.
        silenced: until when nobody is told.
    """

    rule: str
    kind: str
    model: str
    version: int | None
    severity: Severity
    state: State
    reason: str
    since: str | None
    checked: str | None
    value: float | None
    limit: float | None
    silenced: str | None
    alert: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """How all rules stand, what waits to be done, and in a dry run what would be.

    Attributes:
        unrecorded: why nothing can be recorded; None where it can be.
    """

    rules: tuple[RuleReport, ...]
    waiting: tuple[Errand, ...] = ()
    planned: tuple[Planned, ...] = ()
    unrecorded: str | None = None

    @property
    def firing(self) -> int:
        """How many rules are broken and told."""
        return sum(one.state == "firing" for one in self.rules)

    @property
    def unchecked(self) -> int:
        """How many cannot be checked."""
        return sum(one.state == "cannot check" for one in self.rules)

    @property
    def holds(self) -> bool:
        """Whether nothing is known to be wrong, and all could be looked at."""
        return not self.firing and not self.unchecked


def of(repo: Repository) -> Monitor:
    """Return the settings of the monitor.

    Raises:
        RequestError: there is nothing to look at, or a model cannot be retrained as they say.
    """
    settings = repo.settings.monitor
    looks = settings is not None and any(one.if_needed for one in settings.retrain.values())
    if settings is None or not (settings.rules or looks):
        raise RequestError(
            "there are no rules to check",
            hint="write some under monitor: rules: in .mlops.yaml, as in inputs: {drift: MODEL}",
        )
    if settings.retrain:
        from mlops_cli.monitor.retrain import reading

        for name, said in settings.retrain.items():
            reading.check(repo, name, said)
    return settings


def check_names(settings: Monitor, names: Collection[str]) -> None:
    """Raise RequestError unless all are rules."""
    from mlops_cli.core.yaml_nodes import suggest

    for name in names:
        if name not in settings.rules:
            raise RequestError(f"there is no rule '{name}'", hint=suggest(name, settings.rules))


@dataclass(slots=True)
class Rounds:
    """Whoever goes round. In a dry run nothing is kept, recorded or done."""

    repo: Repository
    settings: Monitor
    memory: Memory
    actions: Mapping[str, Action]
    clock: Clock
    say: Say
    dry: bool = False
    beside: bool = False
    planned: list[Planned] = field(default_factory=list)
    errands: Errands = field(init=False)
    _tended: float | None = None

    def __post_init__(self) -> None:
        self.errands = Errands(
            self.repo, self.memory, self.actions, self.clock, self.say, beside=self.beside
        )

    def renew(self, repo: Repository, settings: Monitor, actions: Mapping[str, Action]) -> None:
        """Go on with settings that were read again."""
        self.repo = self.errands.repo = repo
        self.settings = settings
        self.actions = self.errands.actions = actions

    def go(self, names: Collection[str] = (), *, all_rules: bool = False) -> None:
        """Check what is due, or all rules, or those that are named; then do what is due."""
        self._forget()
        if not self.dry:
            self.errands.run()
        for rule in self.settings.rules.values():
            if rule.name in names or (not names and (all_rules or self._is_due(rule))):
                self._check(rule)
        if not self.dry and not names:
            self._tend(all_rules=all_rules)
        if not self.dry and not self.beside:
            self.errands.settle()

    def _tend(self, *, all_rules: bool) -> None:
        """Go on with retrainings that are under way, as often as rules are checked."""
        if not self.settings.retrain:
            return
        now = time.monotonic()
        if all_rules or self._tended is None or now - self._tended >= self.settings.every_s:
            self._tended = now
            self.errands.tend(self._go_on)

    def _go_on(self) -> None:
        from mlops_cli.monitor.watch.deliver.retrain import go_on

        try:
            go_on(Repository(self.repo.layout), self.say)
        except Exception as error:  # noqa: BLE001  the monitor goes on, and this is told
            self.say(f"retraining: {checking.problem(error)}")

    def finish(self) -> None:
        """Try again what failed, once, now."""
        self.errands.settle(impatient=True)

    def next_s(self) -> float:
        """Return in how many seconds there is something to do."""
        now = self.clock()
        waits = [(self._due(rule) - now).total_seconds() for rule in self.settings.rules.values()]
        errand = self.errands.next_s()
        if errand is not None:
            waits.append(errand)
        return max(0.0, min(waits, default=self.settings.every_s))

    def _is_due(self, rule: Rule) -> bool:
        return self._due(rule) <= self.clock()

    def _due(self, rule: Rule) -> datetime:
        """Return when a rule is to be checked next; at once where the clock was set back."""
        now = self.clock()
        held = self.memory.standings.get(rule.name)
        if held is None or held.checked is None or held.asks != standing.asks(rule):
            return now
        checked = when(held.checked)
        every = self.settings.every_s if rule.every_s is None else rule.every_s
        return now if checked > now else checked + timedelta(seconds=every)

    def _forget(self) -> None:
        """End the alerts of rules that are gone."""
        for name in [one for one in self.memory.standings if one not in self.settings.rules]:
            before = self.memory.standings.pop(name)
            self._take(before, standing.gone(before, GONE, self.clock()))

    def _check(self, rule: Rule) -> None:
        now = self.clock()
        before = self.memory.standings.get(rule.name)
        if before is not None and before.asks != standing.asks(rule):
            self._take(before, standing.gone(before, CHANGED, now))
            before = None
        before = before or standing.new(rule)
        silenced = rule.name in silences.silenced(self.repo, now)
        began = time.monotonic()
        outcome = "failed"
        try:
            finding = checking.check(Asked(self.repo, rule, now, before.kept))
            finding = replace(
                finding, facts=words.plain(finding.facts), kept=words.plain(finding.kept)
            )
            after, news = standing.found(rule, before, finding, now, silenced=silenced)
            outcome = "done"
        except (MloError, OSError) as error:
            why = checking.problem(error)
            after, news = standing.not_found(rule, before, why, now, silenced=silenced)
        except Exception as error:  # noqa: BLE001  the monitor goes on, and this is told as an alert
            self.say(traceback.format_exc())
            why = checking.problem(error)
            after, news = standing.not_found(rule, before, why, now, silenced=silenced)
        seconds = round(time.monotonic() - began, 3)
        self.memory.standings[rule.name] = replace(after, seconds=seconds)
        self.memory.counts[CHECKS, rule.name, outcome] += 1
        self._take(after, news)

    def _take(self, of: Standing, news: tuple[Told, ...]) -> None:
        """Keep what a check came to, then do what is to be done about it."""
        found = list(errands.due(of.label, news, self.actions))
        if self.dry:
            self.planned += [
                Planned(one.alert, one.action, _plan(self.actions[one.action], one.alert))
                for one in found
                if one.action is not None
            ]
            return
        self.memory.errands += found
        self.errands.keep()
        self.errands.run()

    def report(self, names: Collection[str] = ()) -> Report:
        """Return how rules stand now."""
        chosen = [one for one in self.settings.rules.values() if not names or one.name in names]
        found = report(self.repo, self.memory, chosen, self.clock(), tuple(self.planned))
        kept = self.errands.unrecorded
        return replace(
            found,
            waiting=tuple(filter(self.errands.is_ours, found.waiting)),
            unrecorded=None if kept is None else kept.why,
        )


def _plan(action: Action, alert: Alert) -> str:
    try:
        return action.plan(alert)
    except MloError as error:
        return f"do nothing: {error.message}"


def report(
    repo: Repository,
    memory: Memory,
    rules: Collection[Rule],
    now: datetime,
    planned: tuple[Planned, ...] = (),
) -> Report:
    """Return how rules stand as far as is kept, in the order of the settings."""
    silenced = silences.silenced(repo, now)
    found = []
    for rule in rules:
        held = memory.standings.get(rule.name)
        if held is None or held.asks != standing.asks(rule):
            held = standing.new(rule)
        finding, trouble = held.finding, held.broken or held.unchecked
        found.append(
            RuleReport(
                rule=rule.name,
                kind=rule.kind,
                model=rule.model,
                version=None if finding is None else finding.version,
                severity=rule.severity,
                state=held.state(now),
                reason=held.reason,
                since=None if trouble is None else trouble.since,
                checked=held.checked,
                value=None if finding is None else finding.value,
                limit=None if finding is None else finding.limit,
                silenced=silenced.get(rule.name),
                alert=None if trouble is None or trouble.told is None else trouble.id,
                notes=() if finding is None else finding.notes,
            )
        )
    return Report(tuple(found), tuple(memory.errands), planned)
