"""Rules that nobody wants to hear of for a while: checked and recorded, and told to nobody.

A line for each in `.mlo/monitor/silences`; the last one of a rule counts. Whoever silences a rule
need not be the process that checks it.
"""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from mlops_cli.core import journal
from mlops_cli.core.files import outside, read_regular, sync_folder, write_whole
from mlops_cli.core.repository import Repository
from mlops_cli.monitor.watch import memory
from mlops_cli.monitor.watch.standing import stamp, when


def silence(
    repo: Repository, rule: str, seconds: float, now: datetime, *, reason: str | None = None
) -> str | None:
    """Silence a rule for so long, 0 to end that; return until when, None when it is over.

    Nothing is silenced that the audit record does not tell.

    Raises:
        ExternalError: the disk refuses; all is as before.
    """
    from mlops_cli.audit import chain

    until = stamp(now + timedelta(seconds=seconds)) if seconds else None
    detail = {"rule": rule, "until": until, "reason": reason}
    path = memory.folder(repo) / memory.SILENCES
    following = path.with_name(memory.SILENCES_NEW)
    with repo.lock("silence"):
        try:
            write_whole(following, _lines(path))
            journal.append(following, {"time": stamp(now), **detail}, durable=True)
            chain.record(repo, "silence", rule, detail)
        except BaseException:
            following.unlink(missing_ok=True)
            raise
        _put(following, path)
    return until


def _lines(path: Path) -> bytes:
    try:
        return read_regular(path)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise outside(error, path) from error


def _put(following: Path, path: Path) -> None:
    """Let it take effect, which takes no room on the disk any more."""
    try:
        os.replace(following, path)
        sync_folder(path.parent)
    except OSError as error:
        raise outside(error, path) from error


def silenced(repo: Repository, now: datetime) -> Mapping[str, str]:
    """Return the rules that are silenced, with until when."""
    found: dict[str, str] = {}
    for line in journal.read(repo.layout.monitor / memory.SILENCES):
        rule, until = line.get("rule"), line.get("until")
        if not isinstance(rule, str):
            continue
        found.pop(rule, None)
        if isinstance(until, str):
            found[rule] = until
    return {rule: until for rule, until in found.items() if _is_later(until, now)}


def _is_later(until: str, now: datetime) -> bool:
    try:
        return when(until) > now
    except (TypeError, ValueError):
        return False
