import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import PurePosixPath

import numpy as np
import pytest

from mlops_cli.cli import show


@dataclass(frozen=True, slots=True)
class Sample:
    path: PurePosixPath
    share: float
    names: tuple[str, ...]


class Kind(Enum):
    FILE = "file"


class Mode(IntEnum):
    LINK = 3


def on_a_terminal(code: str, **environment: str) -> str:
    """Return what Python code shows on a terminal of 40 columns."""
    parent, child = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    env |= {"TERM": "xterm", "COLUMNS": "40"} | environment
    done = subprocess.run([sys.executable, "-c", code], stdout=child, stderr=child, env=env)
    os.close(child)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # Linux says EIO at the end
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    assert done.returncode == 0, shown.decode()
    return shown.decode()


def test_records_become_objects_and_odd_values_text() -> None:
    value = Sample(PurePosixPath("a/b"), float("-inf"), ("x",))
    assert show.plain(value) == {"path": "a/b", "share": "-inf", "names": ["x"]}
    assert show.plain([Kind.FILE, Mode.LINK, None, True, {3, 1}]) == [
        "file", "link", None, True, [1, 3]
    ]  # fmt: skip
    assert show.plain({"a": np.float64(0.5), "b": np.arange(2)}) == {"a": 0.5, "b": [0, 1]}


def test_emit_prints_json_or_calls_for_text(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[dict[str, str]] = []
    show.emit({"name": "größe"}, as_json=True, text=told.append)
    assert capsys.readouterr().out == '{\n  "name": "größe"\n}\n'
    show.emit({"name": "x"}, as_json=False, text=told.append)
    assert told == [{"name": "x"}]
    assert capsys.readouterr().out == ""


def test_json_of_a_name_that_is_no_text_is_still_json(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"caf\xe9")
    show.emit([name], as_json=True, text=print)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == [name]


def test_a_table_lines_up_and_keeps_long_rows_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(["name", "auc", "note"], [["a", 0.5, "x" * 100], ["bcd", 12.25, None]], indent=2)
    assert capsys.readouterr().out.splitlines() == [
        "  name    auc  note",
        "  a       0.5  " + "x" * 100,
        "  bcd   12.25",
    ]


def test_wide_letters_keep_columns_apart(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(["name", "n"], [["データ", 1], ["ab", 22]])
    assert capsys.readouterr().out.splitlines() == ["name     n", "データ   1", "ab      22"]


def test_markup_in_values_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(["x"], [["[red]not markup[/red] :smile:"]])
    assert "[red]not markup[/red] :smile:" in capsys.readouterr().out


def test_notes_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show.note("working")
    show.line("done")
    caught = capsys.readouterr()
    assert (caught.out, caught.err) == ("done\n", "working\n")


def test_colour_is_for_terminals_that_want_it() -> None:
    code = "from mlops_cli.cli import show; show.line(show.style('ok', 'green', 'bold'))"
    assert on_a_terminal(code) == "\033[32;1mok\033[0m\r\n"
    assert on_a_terminal(code, NO_COLOR="1") == "ok\r\n"
    assert on_a_terminal(code, TERM="dumb") == "ok\r\n"
    assert show.style("ok", "green") == "ok"


def test_a_table_fits_the_terminal() -> None:
    code = "from mlops_cli.cli import show; show.table(['a', 'b'], [['x', 'word ' * 20]])"
    shown = on_a_terminal(code, NO_COLOR="1").splitlines()
    assert len(shown) > 2
    assert max(map(len, shown)) <= 40


WORK = (
    "from mlops_cli.cli import show\n"
    "show._PATIENCE_S, show._REFRESH_S = {patience}, 0\n"
    "with show.progress().task('adding', 3, 'files') as advance:\n"
    "    for _ in range(3):\n"
    "        advance(1)\n"
    "print('done')\n"
)


def test_long_work_shows_a_bar_that_goes_away() -> None:
    shown = on_a_terminal(WORK.format(patience=0), NO_COLOR="1")
    assert "adding" in shown
    assert "3/3" in shown
    assert shown.endswith("done\r\n")


def test_short_work_and_work_that_nobody_watches_shows_nothing() -> None:
    assert on_a_terminal(WORK.format(patience=60)) == "done\r\n"
    code = WORK.format(patience=0)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 * 1024**2, "5.0 MiB"),
        (2**52, "4096.0 TiB"),
    ],
)
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert show.size(count) == text
