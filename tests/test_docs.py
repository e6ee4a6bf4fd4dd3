"""The words beside the code are true: pages of commands, README, changelog."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOP = Path(__file__).parents[1]
KINDS = {"New", "Change", "Fix", "Security", "Removed"}


def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_commands", TOP / "docs/write_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a page as (language, content)."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_the_pages_of_commands_are_what_help_prints() -> None:
    wanted = writer().pages()
    kept = {path.name: path.read_text() for path in (TOP / "docs/commands").glob("*.md")}
    assert kept == wanted, "run: python docs/write_commands.py"


def test_the_blocks_of_the_readme_run_as_they_stand(tmp_path: Path) -> None:
    """One shell runs them all, in order, as a reader would who types them one after the other."""
    script = "set -e\n"
    for number, (language, content) in enumerate(blocks((TOP / "README.md").read_text())):
        if language == "sh":
            script += content
        elif language == "python":
            code = tmp_path / f"block_{number}.py"
            code.write_text(content)
            script += f'"{sys.executable}" "{code}"\n'
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_readme_names_the_two_commands_and_ci_runs_the_second() -> None:
    readme = (TOP / "README.md").read_text()
    assert "    pip install . && mlo demo " in readme
    assert "    pip install nox && nox " in readme
    assert "\npip install nox && nox\n" in (TOP / ".ci/run").read_text()


def pages_with_links() -> list[str]:
    pages = [TOP / "README.md", *(TOP / "docs").rglob("*.md"), *(TOP / "changelog").rglob("*.md")]
    return [str(path.relative_to(TOP)) for path in pages]


@pytest.mark.parametrize("page", pages_with_links())
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (TOP / page).read_text()):
        assert ((TOP / page).parent / target).exists(), target


def entries() -> list[str]:
    return sorted(path.name for path in (TOP / "changelog/unreleased").iterdir())


@pytest.mark.parametrize("entry", entries())
def test_a_changelog_entry_has_kind_summary_and_explanation(entry: str) -> None:
    first, empty, *rest = (TOP / "changelog/unreleased" / entry).read_text().splitlines()
    kind, _, summary = first.partition(": ")
    assert kind in KINDS
    assert 10 < len(summary) <= 100
    assert empty == ""
    assert len(" ".join(rest)) > 40


def test_the_exit_codes_in_the_docs_are_those_of_the_classes() -> None:
    from mlops_cli import errors
    from mlops_cli.cli import main

    told = set(map(int, re.findall(r"^\| (\d+) \|", (TOP / "docs/README.md").read_text(), re.M)))
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    known = {kind.exit_code for kind in classes if issubclass(kind, errors.MloError)}
    assert told == known | {0, 1, main.BUG, errors.INTERRUPTED, main.BROKEN_PIPE}
