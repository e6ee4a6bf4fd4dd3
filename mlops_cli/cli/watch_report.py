"""How the rules of a monitor stand, for people."""

from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.since import minute

if TYPE_CHECKING:
    from mlops_cli.monitor.watch.rounds import Report, RuleReport

_COLOURS = {
    "firing": "red",
    "cannot check": "red",
    "pending": "yellow",
    "ok": "green",
    "resolved": "green",
}


def tell(report: "Report") -> None:
    """Print how rules stand, what waits, and what would be done."""
    rows = [_row(one) for one in report.rules]
    if rows:
        show.table(["state", "rule", "model", "why"], rows, whole=2)
    else:
        show.line("no rules: it is only looked at whether models need a retraining", rest="  ")
    for one in report.rules:
        for note in one.notes:
            show.note(f"{one.rule}: {note}", rest="  ")
        if one.silenced is not None:
            show.line(f"{one.rule} is silenced until {minute(one.silenced)} UTC", rest="  ")
    for errand in report.waiting:
        if errand.action is not None:
            why = f": {errand.said}" if errand.said else ""
            show.line(f"waits: {errand.action} for {errand.alert.title}{why}", rest="  ")
    for planned in report.planned:
        said = f"would {planned.does}: {planned.alert.state}: {planned.alert.title}"
        show.line(said, rest="  ")
    _sum(report)


def _row(one: "RuleReport") -> list[str]:
    version = "" if one.version is None else f" v{one.version}"
    since = "" if one.since is None else f", since {minute(one.since)} UTC"
    return [
        show.style(one.state, _COLOURS.get(one.state, "dim")),
        one.rule,
        f"{one.model}{version}",
        one.reason + since,
    ]


def _sum(report: "Report") -> None:
    said = []
    if report.firing:
        said.append(f"{show.number(report.firing, 'rule')} broken")
    if report.unchecked:
        said.append(f"{show.number(report.unchecked, 'rule')} not checked")
    if said:
        show.line(show.style(", ".join(said), "bold"))
