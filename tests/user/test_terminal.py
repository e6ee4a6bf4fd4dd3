"""On a terminal long work shows how far it is, and Ctrl-C ends it without a trace."""

import os
import pty
import sys
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from tests.runs.recorded import record

MLO = str(Path(sys.executable).parent / "mlo")
CURSOR_SHOWN = b"\033[?25h"


class Terminal:
    """A command that runs on a terminal of its own, and what it has printed so far."""

    def __init__(self, *arguments: str) -> None:
        self.printed = b""
        self._pid, self._handle = pty.fork()
        if not self._pid:
            os.environ["TERM"] = "xterm"
            os.execv(MLO, [MLO, *arguments])

    def wait_for(self, text: bytes) -> None:
        """Read until a text was printed."""
        while text not in self.printed:
            self.printed += os.read(self._handle, 65_536)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._handle, keys)

    def end(self) -> int:
        """Return the exit code, once it has ended."""
        try:
            while piece := os.read(self._handle, 65_536):
                self.printed += piece
        except OSError:
            pass  # how Linux says that nobody has the terminal any more
        os.close(self._handle)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


@pytest.fixture
def large(project: Path) -> Path:
    """Return a project with a file that takes a while to add, though not to make."""
    with (project / "large").open("wb") as file:
        file.truncate(16 * 1024**3)
    return project


def test_control_c_ends_what_is_shown_and_leaves_nothing(large: Path) -> None:
    terminal = Terminal("add", "large")
    terminal.wait_for(b"adding")
    terminal.wait_for(b"/s")
    terminal.type(b"\x03")
    assert terminal.end() == 130
    assert CURSOR_SHOWN in terminal.printed
    assert b"Traceback" not in terminal.printed
    left = [name for name in os.listdir(large / ".mlo/tmp") if not name.endswith(".lock")]
    assert left == []
    assert not (large / "large.mlo").exists()
    assert "large" not in (large / ".gitignore").read_text()


def test_short_work_shows_no_progress(project: Path) -> None:
    (project / "small").write_text("small")
    terminal = Terminal("add", "small")
    assert terminal.end() == 0
    assert b"adding" not in terminal.printed
    assert b"small" in terminal.printed


def test_the_question_before_runs_are_removed_names_them(project: Path) -> None:
    record(open_repository(project), [{"params": {"x": at}} for at in range(3)])
    terminal = Terminal("runs", "rm", "--filter", "x > 0")
    terminal.wait_for(b"remove 2 runs (run-2, run-1)? [y/N]")
    terminal.type(b"n\n")
    assert terminal.end() == 130
    assert b"removed" not in terminal.printed
