"""The monitor as a daemon: round after round, until somebody ends it."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mlops_cli.core.files import write_whole
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError
from mlops_cli.monitor.watch import listen, page, rounds
from mlops_cli.monitor.watch import memory as memories
from mlops_cli.monitor.watch.acting import actions
from mlops_cli.monitor.watch.errands import Clock, Say
from mlops_cli.monitor.watch.lead import Wait, leading
from mlops_cli.monitor.watch.rounds import Rounds

LOOK_S = 5.0
"""Settings and silences that changed are seen within so long."""
_LEAST_S = 0.5
_LATE = 3.0


@dataclass(slots=True)
class Loop:
    """A monitor that goes on until it is ended by an exception.

    Attributes:
        repo: what is watched.
        clock: tells the time, and `wait` lets it pass; it may end the loop by raising.
        say: is told what happens, one line each.
        textfile: where the page of metrics is written after each round.
        told: the URL that is listened at, once it is.
    """

    repo: Repository
    clock: Clock
    wait: Wait
    say: Say
    listen_at: tuple[str, int] | None = None
    textfile: Path | None = None
    told: Callable[[str], None] = lambda _: None
    _shown: str = field(default_factory=page.waiting)
    _round: tuple[datetime, float] | None = None
    _troubles: dict[str, str] = field(default_factory=dict)
    _waited: bool = False

    def run(self) -> None:
        """Listen, wait for the lead, and go round.

        Raises:
            RequestError: there are no rules.
            ExternalError: the place to listen at cannot be had.
        """
        rounds.of(self.repo)
        with ExitStack() as stack:
            if self.listen_at is not None:
                serving = listen.serving(self.listen_at, lambda: self._shown, self._ailing)
                self.told(stack.enter_context(serving))
            stack.enter_context(leading(self.repo, wait=self.wait, on_wait=self._stand_by))
            self._lead()

    def _stand_by(self, who: str) -> None:
        self.say(f"{who} watches this repository; waiting to take over")
        self._waited = True

    def _lead(self) -> None:
        settings = rounds.of(self.repo)
        memory = memories.load(self.repo)
        going = Rounds(
            self.repo,
            settings,
            memory,
            actions(self.repo, settings, self.say),
            self.clock,
            self.say,
            beside=True,
        )
        if self._waited:
            self.say("it is gone; this one takes over")
        self._show(going)
        try:
            while True:
                self._go(going)
                self._show(going)
                self.wait(max(_LEAST_S, min(going.next_s(), LOOK_S)))
                self._renew(going)
        finally:
            going.errands.stop()

    def _go(self, going: Rounds) -> None:
        try:
            going.go()
        except (MloError, OSError) as error:
            self._once("round", f"this round did not end: {error}")
        else:
            self._troubles.pop("round", None)

    def _show(self, going: Rounds) -> None:
        report = going.report()
        self._round = (self.clock(), time.monotonic())
        self._shown = page.page(going.settings, going.memory, report, len(self._troubles))
        if self.textfile is not None:
            try:
                write_whole(self.textfile, self._shown.encode("utf-8", "replace"), durable=False)
            except MloError as error:
                self._once("textfile", error.message)

    def _renew(self, going: Rounds) -> None:
        """Read the settings again; wrong ones are told, and those from before stay in force."""
        repo = Repository(self.repo.layout)
        repo.on_wait = self.repo.on_wait
        try:
            settings = rounds.of(repo)
        except (MloError, OSError) as error:
            self._once("settings", f"the settings stay as they were: {error}")
            return
        self._troubles.pop("settings", None)
        if settings != going.settings:
            self.say("the settings have changed")
        going.renew(repo, settings, actions(repo, settings, self.say))

    def _once(self, of: str, problem: str) -> None:
        """Tell a problem, unless it was told last of the same thing."""
        if problem != self._troubles.get(of):
            self.say(problem)
        self._troubles[of] = problem

    def _ailing(self) -> str | None:
        """Return why the monitor is not well, None while it goes round.

        What a restart would not help, such as wrong settings, is told by `monitor_troubles`.
        """
        if self._round is None:
            return None
        settings = self.repo.settings.monitor
        every = 0.0 if settings is None else settings.every_s
        late = time.monotonic() - self._round[1]
        if late <= _LATE * every + LOOK_S:
            return None
        return f"no round has ended for {late:.0f} s"
