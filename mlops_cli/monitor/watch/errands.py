"""Doing what is to be done about alerts: once each, again where it failed, and on record.

Every errand is kept before it is begun and dropped when its outcome is on record. So one that was
under way when a process was killed is done again: nothing is lost, and whoever is told twice can
see that.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlops_cli.audit import chain
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, IntegrityError, MloError
from mlops_cli.monitor.watch import checking, unrecorded, words
from mlops_cli.monitor.watch import memory as memories
from mlops_cli.monitor.watch.actions import Action, Outcome
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.lanes import SLOW, Lanes
from mlops_cli.monitor.watch.memory import Errand, Memory
from mlops_cli.monitor.watch.standing import Label, Standing, Told, stamp, when
from mlops_cli.monitor.watch.unrecorded import Unrecorded

ALERT = "alert"
DONE = "alert action"
"""What entries of the audit record about alerts, and about what was done then, have as `action`."""
ALERTS = "monitor_alerts_total"
ACTIONS = "monitor_actions_total"
PAUSES_S = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""How long to wait after an action failed; when it fails once more it is given up."""

_LOOK_S = 0.5
"""How soon to look again whether what is under way has ended."""

Clock = Callable[[], datetime]
Say = Callable[[str], None]
_Key = tuple[str, str]


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
    """Whoever does them: those of one action one after the other, beside the checks.

    What may take minutes is done in line unless `beside`. What cannot be recorded is done all the
    same, and recorded once that can be.
    """

    repo: Repository
    memory: Memory
    actions: Mapping[str, Action]
    clock: Clock
    say: Say
    beside: bool = False
    only: frozenset[str] = frozenset()
    """The rules whose actions are done; empty: all."""
    unrecorded: Unrecorded | None = None
    """Why nothing can be recorded, while that is so."""
    _lanes: Lanes = field(default_factory=Lanes)
    _impatient: set[_Key] = field(default_factory=set)
    _owed: dict[_Key, tuple[Outcome, int]] = field(default_factory=dict)
    """What was done and is not on record yet: what it came to, after how many tries."""
    _taken_over: set[_Key] = field(default_factory=set)
    """Those that another process began, and may have ended without keeping that."""

    def __post_init__(self) -> None:
        self._taken_over = {self._key(one) for one in self.memory.errands}

    def run(self) -> None:
        """Begin what is due, and keep what came of all that has ended."""
        self._run()

    def settle(self, *, impatient: bool = False) -> None:
        """Do each thing that can be done now, once, and wait for all of it.

        If impatient, what is not due too; a failure does not count then.
        """
        begun: set[_Key] = set()
        while True:
            self._run(impatient=impatient, but=begun)
            if not self._lanes:
                return
            begun |= self._lanes.keys()
            self._lanes.wait()

    def keep(self) -> None:
        """Put on record and keep all that is to be; where that cannot be done, people are told."""
        try:
            if not self._owed:
                memories.save(self.repo, self.memory)
            while news := next((one for one in self.memory.errands if one.action is None), None):
                self._recorded(news)
            for errand in [one for one in self.memory.errands if self._key(one) in self._owed]:
                self._settle(errand, *self._owed[self._key(errand)])
        except (MloError, OSError) as error:
            self._unkept(error)
        else:
            self._kept()

    def is_ours(self, errand: Errand) -> bool:
        """Return whether it is of a rule whose actions are done."""
        return not self.only or errand.alert.rule in self.only

    def next_s(self) -> float | None:
        """Return in how many seconds something is due; None when nothing is to be done."""
        now = self.clock()
        begun = self._lanes.keys() | self._owed.keys()
        due = [
            self._due(one)
            for one in self.memory.errands
            if one.action is not None and self._key(one) not in begun
        ]
        if self._lanes:
            due.append(now + timedelta(seconds=_LOOK_S))
        return None if not due else max((min(due) - now).total_seconds(), 0.0)

    def tend(self, work: Callable[[], None]) -> None:
        """Do something slow that is no errand, if nothing slow is under way."""
        if self.beside:
            self._lanes.tend(work)
        else:
            work()

    def stop(self) -> None:
        """Stop what is under way, and let what came of it be kept."""
        self._lanes.stop()
        with suppress(MloError, OSError):
            self._conclude()

    def _run(self, *, impatient: bool = False, but: Collection[_Key] = ()) -> None:
        self._conclude()
        if self._owed or self.unrecorded or any(one.action is None for one in self.memory.errands):
            self.keep()
        before: set[_Key] = set()
        but = {*but, *self._owed}
        for errand in list(self.memory.errands):
            if errand.action is None:
                continue  # it cannot be put on record now
            key, of = self._key(errand), (errand.alert.id, errand.action)
            is_free = of not in before and key not in but and self.is_ours(errand)
            if is_free and (impatient or self._due(errand) <= self.clock()):
                self._act(errand, errand.action, impatient=impatient)
            before.add(of)  # what is over is told after what has begun

    def _due(self, errand: Errand) -> datetime:
        if errand.tried is None:
            return self.clock()
        return when(errand.tried) + timedelta(seconds=PAUSES_S[errand.tries - 1])

    @staticmethod
    def _key(errand: Errand) -> _Key:
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

    def _unkept(self, error: MloError | OSError) -> None:
        """Go on where nothing can be recorded; tell people, unless a lock is in the way."""
        why, now = checking.problem(error), self.clock()
        before = self.unrecorded
        if before is None:
            self.say(f"nothing can be recorded: {why}")
        found = unrecorded.begun(why, now) if before is None or not before.told else before
        if not found.told and isinstance(error, ExternalError | IntegrityError | OSError):
            found = replace(found, told=True)
            self.memory.errands += unrecorded.errands(found.alert, self.actions)
        self.unrecorded = replace(found, why=why, last=now)

    def _kept(self) -> None:
        now = self.clock()
        if self.unrecorded is None or not self.unrecorded.is_over(now):
            return
        self.say("what is found is recorded again")
        if self.unrecorded.told:
            over = self.unrecorded.resolved(now)
            self.memory.errands += unrecorded.errands(over, self.actions)
        self.unrecorded = None
        self.keep()

    def _act(self, errand: Errand, name: str, *, impatient: bool) -> None:
        """Begin an action, or do it at once where it may take minutes and nothing goes beside."""
        key, action = self._key(errand), self.actions.get(name)
        if key in self._lanes:
            return
        if self._was_ended(errand, name):
            self.memory.errands.remove(errand)
            self.keep()
        elif action is None:
            gone = Outcome(done=False, said="there is no such action any more")
            self._came_to(errand, name, gone, count=not impatient)
        elif action.slow and not self.beside:
            self._came_to(errand, name, attempt(action, errand.alert), count=not impatient)
        elif self._lanes.begin(
            key, SLOW if action.slow else name, lambda: attempt(action, errand.alert)
        ):
            (self._impatient.add if impatient else self._impatient.discard)(key)

    def _conclude(self) -> None:
        """Take in what has ended."""
        ended = self._lanes.take()
        for errand in [one for one in self.memory.errands if self._key(one) in ended]:
            key = self._key(errand)
            self._came_to(errand, key[1], ended[key], count=key not in self._impatient)

    def _was_ended(self, errand: Errand, name: str) -> bool:
        """Return whether a process that was killed had got as far as recording the outcome."""
        if self._key(errand) not in self._taken_over:
            return False
        self._taken_over.discard(self._key(errand))
        return _entry_of(self.repo, errand.alert, name) is not None

    def _came_to(self, errand: Errand, name: str, outcome: Outcome, *, count: bool) -> None:
        tries = errand.tries + count
        if not outcome.done and outcome.again and tries <= len(PAUSES_S):
            later = replace(errand, tries=tries, tried=stamp(self.clock()), said=outcome.said)
            self.memory.errands[self.memory.errands.index(errand)] = later
            self.say(f"{name}: {outcome.said}; it will be tried again")
        else:
            self._owed[self._key(errand)] = outcome, tries
            self.say(f"{name}: {outcome.said}" + ("" if outcome.done else "; given up"))
        self.keep()

    def _settle(self, errand: Errand, outcome: Outcome, tries: int) -> None:
        """Put on record what an action came to."""
        name = errand.action or ""
        detail = {**_brief(errand.alert), "action": name, "tries": tries}
        detail |= {"done": outcome.done, "said": outcome.said, **words.plain(outcome.detail)}
        chain.record(self.repo, DONE, subject(errand.alert), detail)
        self.memory.errands.remove(errand)
        del self._owed[self._key(errand)]
        self.memory.counts[ACTIONS, name, "done" if outcome.done else "failed"] += 1
        memories.save(self.repo, self.memory)


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
