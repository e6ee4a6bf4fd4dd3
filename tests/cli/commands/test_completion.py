import subprocess
from pathlib import Path

import pytest

from mlops_cli.cli.table import COMMANDS
from tests.conftest import Mlo


def complete(mlo: Mlo, words: str) -> list[str]:
    """Return what bash is told when Tab is pressed at the end of `words`."""
    asked = {"_MLO_COMPLETE": "complete_bash", "COMP_WORDS": words}
    return mlo(env={**asked, "COMP_CWORD": str(words.count(" "))}).stdout.split()


def test_commands_options_and_choices_are_completed(mlo: Mlo) -> None:
    assert complete(mlo, "mlo ") == list(COMMANDS)
    assert complete(mlo, "mlo do") == ["doctor"]
    assert complete(mlo, "mlo init --te") == ["--template"]
    assert complete(mlo, "mlo completion z") == ["zsh"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_mlo(mlo: Mlo, shell: str) -> None:
    assert f"_MLO_COMPLETE=complete_{shell}" in mlo("completion", shell).stdout


def test_bash_completes_with_the_script(mlo: Mlo, tmp_path: Path) -> None:
    script = tmp_path / "mlo.sh"
    script.write_text(mlo("completion", "bash").stdout)
    line = (
        f'source "{script}"; COMP_WORDS=(mlo promo); COMP_CWORD=1; '
        '_mlo_completion mlo; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout == "promote\n"


def test_install_writes_where_the_shell_looks(mlo: Mlo, own_home: Path) -> None:
    ended = mlo("completion", "fish", "--install")
    written = own_home / ".config/fish/completions/mlo.fish"
    assert ended.stdout == f"wrote {written}; it works in terminals opened from now on\n"
    assert "_MLO_COMPLETE" in written.read_text()


def test_an_unknown_shell_names_the_known(mlo: Mlo) -> None:
    ended = mlo("completion", "tcsh", code=2)
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in ended.stderr
