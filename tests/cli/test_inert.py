"""A hostile name cannot drive the terminal of who lists it."""

from pathlib import Path

from mlops_cli.cli import show
from mlops_cli.cli.inert import inert
from tests.conftest import Mlo


def test_colours_line_ends_and_letters_stay() -> None:
    text = "\033[32mdone\033[0m\tünï 日本\n"
    assert inert(text) == text


def test_a_name_that_drives_a_terminal_is_spelled_out(project: Path, mlo_here: Mlo) -> None:
    name = "a\033]0;owned\007\r.csv"
    (project / name).write_text("a\n1\n")
    done = mlo_here("add", name)
    shown = mlo_here("status").stdout + done.stdout + done.stderr
    for text in (shown, mlo_here("cat", "nö\033[2J", code=2).stderr):
        assert "\033" not in text
        assert "\\x1b" in text


def test_json_keeps_the_name_as_it_is(project: Path, mlo_here: Mlo) -> None:
    name = "a\033b.csv"
    (project / name).write_text("a\n1\n")
    assert mlo_here("add", name, "--json").json[0]["path"] == name
    assert show.plain(name) == name
