"""Command lines of `mlo run` that are read without Typer: as Typer reads them, or not at all."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.cli.run_work import Given, read
from tests.conftest import Mlo

USUAL = [
    "",
    "fit",
    "fit evaluate --force",
    "-f -n",
    "--set depth=3 -s lr=0.1 fit",
    "--jobs 4",
    "-j 2 fit --downstream",
    "--pull --in-worktree --rev HEAD~1 --json",
    "--name first --tag a --tag b --note words",
    "-- true",
    "--input data.csv --output model -- python train.py --jobs two -- x",
    "fit -- true",
    "--",
    "-s a=1 --set b=-1 --dry-run",
]
OTHER = [
    "--help",
    "-h",
    "--jobs two",
    "--jobs 0",
    "-j",
    "-j2",
    "--set=a=1",
    "--name",
    "-fn",
    "--nope",
]


@pytest.mark.parametrize("line", USUAL)
def test_what_is_read_is_what_typer_reads(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_cli.cli.commands import run as command
    from mlops_cli.cli.group import LazyGroup

    arguments = line.split(" ") if line else []
    arguments = [word for word in arguments if word]
    seen: list[Given] = []

    def note(given: Given) -> int:
        seen.append(given)
        return 0

    monkeypatch.setattr(command, "carry_out", note)
    group: Any = LazyGroup(name="mlo")
    quick = read(arguments)
    if quick is None:
        pytest.fail("this is a usual command line")
    with group.make_context("mlo", ["run", *arguments]) as context:
        group.invoke(context)
    assert seen == [quick]


@pytest.mark.parametrize("line", OTHER)
def test_all_else_is_left_to_typer(line: str) -> None:
    assert read(line.split()) is None


def test_running_loads_neither_typer_nor_rich(project: Path) -> None:
    (project / ".mlops.yaml").write_text('{"steps": {"a": {"cmd": "echo 1 > a", "outs": ["a"]}}}')
    look = (
        "import sys; from mlops_cli.cli.main import run; code = run(sys.argv[1:]); "
        "print(code, *(m for m in ('typer', 'rich', 'shutil', 'orjson') if m in sys.modules))"
    )
    for words in (["run"], ["run"], ["run", "--", "true"]):
        done = subprocess.run(
            [sys.executable, "-c", look, *words], cwd=project, capture_output=True, text=True
        )
        heavy = done.stdout.splitlines()[-1]
        assert heavy.split()[0] == "0", done.stderr
        assert not {"typer", "rich"} & set(heavy.split())


@pytest.mark.parametrize(
    ("value", "told"),
    [("two", "not 'two'"), ("0", "not 0"), ("1.5", "not '1.5'")],
)
def test_a_wrong_number_is_told_in_plain_words(
    project: Path, mlo_here: Mlo, value: str, told: str
) -> None:
    done = mlo_here("run", "--jobs", value, code=2)
    assert f"--jobs takes a whole number, 1 or more, {told}" in done.stderr
