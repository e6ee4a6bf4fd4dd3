"""Doing what is to be done about alerts: once each, again where it failed, and on record.

Every errand is kept before it is begun and dropped when its outcome is on record. So one that was
under way when a process was killed is done again: nothing is lost, and whoever is told twice can
see that.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlops_cli.audit import chain
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError
from mlops_cli.monitor.watch import memory as memories
from mlops_cli.monitor.watch import words
from mlops_cli.monitor.watch.actions import Action, Outcome
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.memory import Errand, Memory
from mlops_cli.monitor.watch.standing import Label, Standing, Told, stamp, when
from mlops_cli.runs import stopping

ALERT = "alert"
DONE = "alert action"
"""What entries of the audit record about alerts, and about what was done then, have as `action`."""
ALERTS = "monitor_alerts_total"
ACTIONS = "monitor_actions_total"
PAUSES_S = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""How long to wait after an action failed; when it fails once more it is given up."""

_STOPPED_S = 15.0
"""By then what was stopped is on disk; if not, the next process finds it."""
_POLL_S = 0.05

Clock = Callable[[], datetime]
Say = Callable[[str], None]


def due(label: Label, news: Iterable[Told], actions: Mapping[str, Action]) -> Iterator[Errand]:
    """Yield what is to be done about news of a rule: to put it on record, then its actions."""
    for told in news:
        if told.new:
            yield Errand(told.alert, None)
        for name in label.actions if told.act else ():
            if name in actions and actions[name].wants(told.alert):
                yield Errand(told.alert, name)


@dataclass(slots=True)
class Errands:
    """Whoever does them, one after the other; slow ones beside the others, if `beside`."""

    repo: Repository
    memory: Memory
    clock: Clock
    say: Say
    beside: bool = False
    only: frozenset[str] = frozenset()
    """The rules whose actions are done; empty: all."""
    _under_way: dict[tuple[str, str], "list[Outcome]"] = field(default_factory=dict)
    _slow: list[threading.Thread] = field(default_factory=list)
    _stopped: bool = False
    _taken_over: set[tuple[str, str]] = field(default_factory=set)
    """Those that another process began, and may have ended without keeping that."""

    def __post_init__(self) -> None:
        self._taken_over = {self._key(one) for one in self.memory.errands}

    def run(self, actions: Mapping[str, Action], *, impatient: bool = False) -> None:
        """Do what is due, and keep what comes of it after each.

        If impatient, what is not due too; a failure does not count then.

        Raises:
            MloError: it cannot be put on record or kept.
        """
        while news := next((one for one in self.memory.errands if one.action is None), None):
            self._recorded(news)
        before: set[tuple[str, str]] = set()
        for errand in list(self.memory.errands):
            assert errand.action is not None, "all are on record"
            of = (errand.alert.id, errand.action)
            if of not in before and self.is_ours(errand) and (impatient or self._is_due(errand)):
                self._act(errand, errand.action, actions.get(errand.action), count=not impatient)
            before.add(of)  # what is over is told after what has begun

    def is_ours(self, errand: Errand) -> bool:
        """Return whether it is of a rule whose actions are done."""
        return not self.only or errand.alert.rule in self.only

    def next_s(self) -> float | None:
        """Return in how many seconds something is due; None when nothing is to be done."""
        now = self.clock()
        due = [
            self._due(one) for one in self.memory.errands if self._key(one) not in self._under_way
        ]
        if self._under_way:
            due.append(now + timedelta(seconds=1))
        return None if not due else max((min(due) - now).total_seconds(), 0.0)

    def tend(self, work: Callable[[], None]) -> None:
        """Do something slow that is no errand, if nothing slow is under way."""
        if not self.beside:
            work()
        elif not self._under_way and not self._at_work():
            self._start(work)

    def stop(self) -> None:
        """Stop what slow work runs as a child, as Ctrl-C would, and let that be kept."""
        self._stopped = True
        end = time.monotonic() + _STOPPED_S
        while (at_work := self._at_work()) and time.monotonic() < end:
            for one in at_work:
                asked = one.ident is not None and stopping.ask(one.ident)
                one.join(_STOPPED_S if asked else _POLL_S)

    def _at_work(self) -> list[threading.Thread]:
        return [one for one in self._slow if one.is_alive()]

    def _start(self, work: Callable[[], object]) -> None:
        """Do something slow beside the checks, after what was begun before."""
        before = self._at_work()

        def done() -> None:
            for one in before:
                one.join()
            if not self._stopped:
                work()

        thread = threading.Thread(target=done, daemon=True)
        self._slow = [*before, thread]
        thread.start()

    def _due(self, errand: Errand) -> datetime:
        if errand.tried is None:
            return self.clock()
        return when(errand.tried) + timedelta(seconds=PAUSES_S[errand.tries - 1])

    def _is_due(self, errand: Errand) -> bool:
        return self._key(errand) in self._under_way or self._due(errand) <= self.clock()

    @staticmethod
    def _key(errand: Errand) -> tuple[str, str]:
        return errand.alert.id + errand.alert.state + errand.alert.time, errand.action or ""

    def _recorded(self, errand: Errand) -> None:
        """Put an alert on record, and let what is done about it know the entry."""
        alert = errand.alert
        oid = _entry_of(self.repo, alert) or chain.record(
            self.repo, ALERT, subject(alert), words.record(alert)
        )
        self.memory.errands.remove(errand)
        self.memory.errands[:] = [
            replace(one, alert=replace(one.alert, entry=oid)) if one.alert.id == alert.id else one
            for one in self.memory.errands
        ]
        standing = self.memory.standings.get(alert.rule)
        if standing is not None:
            self.memory.standings[alert.rule] = _with_entry(standing, alert, oid)
        self.memory.counts[ALERTS, alert.rule, alert.state] += 1
        memories.save(self.repo, self.memory)
        self.say(f"{words.headline(alert)}: {alert.reason}")

    def _act(self, errand: Errand, name: str, action: Action | None, *, count: bool) -> None:
        if self._was_ended(errand, name):
            self.memory.errands.remove(errand)
            memories.save(self.repo, self.memory)
            return
        outcome = self._outcome(errand, action)
        if outcome is None:
            return
        tries = errand.tries + count
        if not outcome.done and outcome.again and tries <= len(PAUSES_S):
            later = replace(errand, tries=tries, tried=stamp(self.clock()), said=outcome.said)
            self.memory.errands[self.memory.errands.index(errand)] = later
            memories.save(self.repo, self.memory)
            self.say(f"{name}: {outcome.said}; it will be tried again")
        else:
            self._settle(errand, name, outcome, tries)

    def _was_ended(self, errand: Errand, name: str) -> bool:
        """Return whether a process that was killed had got as far as recording the outcome."""
        if self._key(errand) not in self._taken_over:
            return False
        self._taken_over.discard(self._key(errand))
        return _entry_of(self.repo, errand.alert, name) is not None

    def _outcome(self, errand: Errand, action: Action | None) -> Outcome | None:
        """Return what an action came to, None while it is under way."""
        if action is None:
            return Outcome(done=False, said="there is no such action any more")
        if action.slow and self.beside:
            return self._ended(errand, action)
        return attempt(action, errand.alert)

    def _settle(self, errand: Errand, name: str, outcome: Outcome, tries: int) -> None:
        """Put on record what an action came to."""
        detail = {**_brief(errand.alert), "action": name, "tries": tries}
        detail |= {"done": outcome.done, "said": outcome.said, **words.plain(outcome.detail)}
        chain.record(self.repo, DONE, subject(errand.alert), detail)
        self.memory.errands.remove(errand)
        self.memory.counts[ACTIONS, name, "done" if outcome.done else "failed"] += 1
        memories.save(self.repo, self.memory)
        self.say(f"{name}: {outcome.said}" + ("" if outcome.done else "; given up"))

    def _ended(self, errand: Errand, action: Action) -> Outcome | None:
        """Return what a slow action came to; None while it is under way. One runs at a time."""
        key = self._key(errand)
        if key not in self._under_way:
            if self._under_way:
                return None
            came_to: list[Outcome] = []
            self._under_way[key] = came_to
            self._start(lambda: came_to.append(attempt(action, errand.alert)))
            return None
        if not self._under_way[key]:
            return None
        return self._under_way.pop(key)[0]


def attempt(action: Action, alert: Alert) -> Outcome:
    """Return what an action came to, whatever went wrong."""
    try:
        return action.run(alert)
    except MloError as error:
        return Outcome(done=False, said=error.message, again=True)
    except OSError as error:
        said = (error.strerror or type(error).__name__).lower()
        return Outcome(done=False, said=said, again=True)
    except Exception as error:  # noqa: BLE001  the monitor goes on, and this is on record
        return Outcome(done=False, said=f"a bug in mlo or a library: {type(error).__name__}")


def subject(alert: Alert) -> str:
    """Return what the audit record calls the thing that an alert is about."""
    version = "" if alert.version is None else f" v{alert.version}"
    return f"{alert.model}{version} {alert.rule}"


def _brief(alert: Alert) -> dict[str, object]:
    held = words.record(alert)
    kept = ("alert", "state", "rule", "time", "model", "number", "version")
    return {key: held[key] for key in kept if key in held} | (
        {} if alert.entry is None else {"entry": alert.entry}
    )


def _with_entry(standing: Standing, alert: Alert, oid: ObjectId) -> Standing:
    broken, unchecked = standing.broken, standing.unchecked
    if broken is not None and broken.id == alert.id:
        return replace(standing, broken=replace(broken, entry=oid))
    if unchecked is not None and unchecked.id == alert.id:
        return replace(standing, unchecked=replace(unchecked, entry=oid))
    return standing


def _entry_of(repo: Repository, alert: Alert, action: str | None = None) -> ObjectId | None:
    """Return the entry that tells of an alert, or of an action about it.

    There is one where a process was killed that had got so far.
    """
    wanted = (ALERT if action is None else DONE, alert.id, alert.state, alert.time, action)
    name = chain.PREFIX + repo.clone_id
    head = repo.refs.get(name)
    for entry in () if head is None else chain.walk(repo, name, head):
        if entry.time < alert.time:
            return None
        held = entry.detail
        told = (held.get(key) for key in ("alert", "state", "time", "action"))
        if (entry.action, *told) == wanted:
            return entry.oid
    return None
