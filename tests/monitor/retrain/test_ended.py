"""Whoever ends a retraining ends what it runs, and the next call goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_cli.monitor.retrain import record
from tests.conftest import git
from tests.monitor.retrain.conftest import Loop, rows

_HELD = 'if test -n "$HELD"; then echo $$ > "$HELD"; exec sleep 60; fi\n'
_RULES = "monitor: {every: 1s, rules: {asked: {volume: m, min: 1}}, "
_MLO = (sys.executable, "-c", "from mlops_cli.cli.main import main; main()")


def is_at_work(pid: int) -> bool:
    """Return whether a process has not ended; one that nobody has asked about yet has."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


@pytest.mark.parametrize(
    ("words", "code"),
    [(("retrain", "m"), 143), (("monitor",), 0), (("monitor", "--once"), 143)],
    ids=["retrain", "monitor", "once"],
)
def test_a_step_does_not_outlive_who_retrains(
    loop: Loop, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    (loop.root / "train.sh").write_text(_HELD + (loop.root / "train.sh").read_text())
    git(loop.root, "commit", "--quiet", "--all", "--message", "Take long")
    loop.settings("if_needed: true")
    path = loop.root / ".mlops.yaml"
    path.write_text(path.read_text().replace("monitor: {", _RULES))
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    held = tmp_path / "held"
    os.mkfifo(held)
    child = subprocess.Popen([*_MLO, *words], cwd=loop.root, env={**os.environ, "HELD": str(held)})
    step = int(held.read_text())
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) == code
    assert not is_at_work(step)
    attempt = record.read(loop.repo, "m").attempt
    assert attempt is not None
    assert attempt.step == "run"
    assert loop.model.stages == {"production": 1}
    told = loop.retrain()
    assert (told.status, told.attempt) == ("promoted", attempt.id)
