"""A hostile name cannot drive the terminal of who lists it."""

from pathlib import Path

from mlops_cli.cli import show
from mlops_cli.cli.inert import coloured, inert
from tests.conftest import Mlo


def test_our_colours_line_ends_and_letters_stay() -> None:
    ours = coloured("done", "32;1")
    assert inert(f"{ours}\tünï 日本\n") == "\033[32;1mdone\033[0m\tünï 日本\n"


def test_colours_and_turns_in_data_are_spelled_out(project: Path, mlo_here: Mlo) -> None:
    cell = "\033[31mred\x9b31m"
    (project / "t.csv").write_text(f"a,\u202eb\n{cell},{cell}\n{cell},x\n")
    for command in (
        ("profile", "t.csv"),
        ("drift", "t.csv", "t.csv"),
        ("validate", "--infer", "t.csv"),
    ):
        shown = mlo_here(*command, code=None)
        for text in (shown.stdout, shown.stderr):
            assert not {"\033", "\x9b", "\u202e"} & set(text)
    found = mlo_here("profile", "t.csv", "--json")
    assert not {"\033", "\x9b", "\u202e"} & set(found.stdout)
    assert [one["name"] for one in found.json["profile"]["columns"]] == ["a", "\u202eb"]


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
