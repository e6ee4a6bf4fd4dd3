"""`mlo monitor`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from datetime import datetime

    from mlops_cli.core.repository import Repository

app = typer.Typer(
    help="""Check rules on models in use, tell people, and act.

    `mlo monitor` goes on until it is ended; `mlo monitor --once` is for cron and CI, and
    `mlo monitor --dry-run` says what would be done. `mlo monitor watch --help` has all options.
    """
)


@app.command("watch")
def watch(
    once: Annotated[bool, typer.Option("--once", help="Check all rules once, and end")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check once, and only say what would be done")
    ] = False,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", metavar="NAME", help="With --once: only this rule")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Serve /metrics for Prometheus, and /health"),
    ] = None,
    textfile: Annotated[
        Path | None,
        typer.Option(metavar="FILE.prom", help="Write the metrics there, for node-exporter"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check the rules of .mlops.yaml again and again.

    Rules are on drift, performance with labels or estimated, concept drift, latency and errors,
    data, age and volume, under monitor: rules:. One that is broken for as long as it says is an
    alert: it is recorded, and its actions tell people or retrain the model. A rule that cannot be
    checked is an alert too. SIGTERM and Ctrl-C end it; what it knows is kept, so that the next one
    goes on. Where two watch one repository, the second waits and takes over.

    With --once it exits with 1 when a rule is broken or cannot be checked, and with 3 when a
    monitor watches already.
    """
    from mlops_cli.errors import RequestError
    from mlops_cli.monitor.watch.listen import address

    repo = repository()
    if textfile is not None and textfile.suffix != ".prom":
        raise RequestError(
            f"node-exporter reads no file called '{textfile.name}'",
            hint=f"--textfile {textfile.with_suffix('.prom')}",
        )
    at = None if listen is None else address(listen)
    if once or dry_run:
        if at is not None:
            raise RequestError("--listen is for a monitor that goes on", hint="leave out --once")
        _check(repo, rule or (), textfile, dry=dry_run, as_json=as_json)
        return
    if rule:
        raise RequestError("--rule goes with --once", hint=f"mlo monitor --once --rule {rule[0]}")
    _go_on(repo, at, textfile, as_json=as_json)


@app.command("status")
def status(as_json: JsonFlag = False) -> None:
    """Show how the rules stood when they were last checked.

    Nothing is checked now. Exits with 1 when a rule is broken or cannot be checked.
    """
    from mlops_cli.cli import watch_report
    from mlops_cli.monitor.watch import once

    repo = repository()
    report = once.status(repo, _now())
    show.emit(report, as_json=as_json, text=watch_report.tell)
    if not as_json and not once.leader(repo):
        _say("no monitor is at work: mlo monitor, or mlo monitor --once by cron")
    if not report.holds:
        raise typer.Exit(1)


@app.command("silence")
def silence(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule, as .mlops.yaml calls it")],
    time: Annotated[str, typer.Argument(metavar="TIME", help="For so long: 30m, 2h, 7d")] = "2h",
    end: Annotated[bool, typer.Option("--end", help="Tell people of it again from now on")] = False,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the record")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Tell nobody of a rule for a while.

    It is checked and recorded as before. If it still is broken when the time is over, people are
    told then.
    """
    from mlops_cli.cli.since import minute
    from mlops_cli.monitor.watch import rounds, silences

    repo = repository()
    rounds.check_names(rounds.of(repo), [rule])
    over = end and rule not in silences.silenced(repo, _now())
    seconds = 0 if end else _seconds(rule, time)
    until = None if over else silences.silence(repo, rule, seconds, _now(), reason=reason)
    held = {"rule": rule, "until": until}

    def tell(_: object) -> None:
        if over:
            show.line(f"{rule} was not silenced: people are told of it", rest="  ")
        elif until is None:
            show.line(f"{rule} is told again", rest="  ")
        else:
            show.line(f"nobody is told of {rule} until {minute(until)} UTC", rest="  ")

    show.emit(held, as_json=as_json, text=tell)


@app.command("try")
def try_(
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="The action, as .mlops.yaml calls it")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Send a test alert by an action, to see that it arrives.

    Exits with 5 when it does not.
    """
    from mlops_cli.errors import ExternalError
    from mlops_cli.monitor.watch import once

    outcome = once.tried(repository(), action, _now())
    if not outcome.done:
        raise ExternalError(f"{action}: {outcome.said}", hint="mlo config monitor.actions")
    show.emit(outcome, as_json=as_json, text=lambda found: _line(f"{action}: {found.said}"))


def _check(
    repo: "Repository",
    names: "list[str] | tuple[()]",
    textfile: Path | None,
    *,
    dry: bool,
    as_json: bool,
) -> None:
    import time

    from mlops_cli.cli import watch_report
    from mlops_cli.core.files import write_whole
    from mlops_cli.errors import ExternalError
    from mlops_cli.monitor.watch import once

    report, page = once.check(repo, clock=_now, wait=time.sleep, say=_say, names=names, dry=dry)
    if textfile is not None:
        write_whole(textfile, page.encode("utf-8", "replace"), durable=False)
    show.emit(report, as_json=as_json, text=watch_report.tell)
    if report.unrecorded is not None:
        raise ExternalError(f"nothing of this could be recorded: {report.unrecorded}")
    if not report.holds:
        raise typer.Exit(1)


def _go_on(
    repo: "Repository", at: tuple[str, int] | None, textfile: Path | None, *, as_json: bool
) -> None:
    import json
    import sys
    import time
    from contextlib import suppress

    from mlops_cli.errors import Terminated
    from mlops_cli.monitor.watch import rounds
    from mlops_cli.monitor.watch.loop import Loop

    settings = rounds.of(repo)
    show.note(f"{show.number(len(settings.rules), 'rule')}, checked every {settings.every_s:g} s")

    def told(url: str) -> None:
        show.line(json.dumps({"url": url}) if as_json else f"metrics at {url}")
        sys.stdout.flush()

    loop = Loop(
        repo,
        clock=_now,
        wait=time.sleep,
        say=_said,
        listen_at=at,
        textfile=textfile,
        told=told,
    )
    with suppress(Terminated):
        loop.run()


def _said(text: str) -> None:
    show.note(f"{_now():%Y-%m-%dT%H:%M:%SZ} {text}", rest="  ")


def _say(text: str) -> None:
    show.note(text, rest="  ")


def _line(text: str) -> None:
    show.line(text, rest="  ")


def _now() -> "datetime":
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _seconds(rule: str, text: str) -> float:
    """Return the seconds that `30m`, `2h` or `7d` means.

    Raises:
        RequestError: it means none.
    """
    import re

    from mlops_cli.errors import RequestError

    found = re.fullmatch(r"(\d{1,5}(?:\.\d+)?)([smhdw])", text.strip())
    if found is None or not float(found[1]):
        raise RequestError(
            f"'{text}' is no time to be silent for", hint=f"mlo monitor silence {rule} 2h"
        )
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}[found[2]]
