"""On a terminal of 80 columns no word is cut; elsewhere a line is one line."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.cli.commands import promote, trace
from mlops_cli.cli.fold import fold
from mlops_cli.registry.gates.asked import GateResult
from mlops_cli.registry.lineage.node import Node
from mlops_cli.registry.promote import Moved
from tests.cli.test_show import on_a_terminal
from tests.conftest import Mlo

SETTINGS = """\
steps:
  train: {cmd: "true --with some --more words", deps: [train.py]}
models:
  cancer-of-the-breast:
    stages:
      production:
        gates:
          - {metric: auc, min: 0.9}
"""
LONG = "x y " * 30
NODE = Node(
    "version",
    "cancer v1",
    "",
    {
        "registered": "2026-11-21T06:04:59.123456Z by Ada Byron <ada@example.org>",
        "long": "x y " * 30,
    },
    (Node("parameters", "1 parameter", "", {"by": "<kept>"}),),
)


def test_words_longer_than_the_line_stand_whole() -> None:
    assert fold("  a bcdefgh i", 5, rest="  ") == "  a\n  bcdefgh\n  i"


def test_colours_take_no_room() -> None:
    red = "\033[31mFAIL\033[0m now"
    assert fold(red, 8) == red


def mlo_on_a_terminal(*words: str) -> str:
    code = f"from mlops_cli.cli.main import run; run({list(words)!r})"
    return on_a_terminal(code, COLUMNS="80", NO_COLOR="1").replace("\r\n", "\n")


def test_config_breaks_no_key(project: Path, mlo_here: Mlo) -> None:
    (project / ".mlops.yaml").write_text(SETTINGS)
    shown = mlo_on_a_terminal("config")
    keys = [one["key"] for one in mlo_here("config", "--json").json]
    assert max(map(len, keys)) > 64
    for key in keys:
        assert f"{key}: " in shown or f"{key}:\n    " in shown
    assert "cmd: true --with" in shown
    assert "serving.port: 8000  (default)\n" in shown
    table = mlo_on_a_terminal("config", "serving").splitlines()
    assert table[0].split() == ["setting", "from", "value"]


def test_status_and_errors_break_between_words(project: Path) -> None:
    names = [f"{letter * 30}.py" for letter in "abc"]
    (project / ".mlops.yaml").write_text(SETTINGS.replace("train.py]", f"{', '.join(names)}]"))
    for name in names:
        (project / name).touch()
    mlo_on_a_terminal("run")
    for name in names:
        (project / name).write_text("more")
    shown = mlo_on_a_terminal("status")
    assert re.search(r"^  train: .*\n    \S", shown, re.M), shown
    assert max(map(len, shown.splitlines())) <= 80
    long = "m" * 30 + " " + "n" * 30 + " " + "o" * 30
    shown = mlo_on_a_terminal("models", "show", long)
    assert re.search(r"^mlo: there is no model 'm{30}\n     n{30} o{30}'$", shown, re.M)


def test_a_gate_is_folded_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    why = "v2 logged no 'auc'; it has accuracy, log_loss, precision, recall, f1, support"
    moved = Moved("m", "production", 2, None, False, True, (GateResult("auc >= 0.9", False, why),))
    shown = terminal(monkeypatch, lambda: promote.tell(moved))
    assert shown.splitlines()[1].startswith(" " * 8 + "recall")


def test_a_trace_is_for_people_s_eyes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = terminal(monkeypatch, lambda: trace._tell(NODE))
    assert "│  registered: 2026-11-21 06:04 UTC by Ada Byron\n" in shown
    assert "\n│    x y" in shown
    assert "by: <kept>" in shown
    assert max(map(len, shown.splitlines())) <= 80
    trace._tell(NODE)
    assert LONG in capsys.readouterr().out


def terminal(monkeypatch: pytest.MonkeyPatch, show: Callable[[], None]) -> str:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    with monkeypatch.context() as patch:
        screen = Screen()
        patch.setattr("sys.stdout", screen)
        show()
        return screen.getvalue()
