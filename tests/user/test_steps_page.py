"""What the page on steps promises."""

from pathlib import Path

from mlops_cli.core import step_reader
from tests.user.pages import type_blocks

PAGE = Path(__file__).parents[2] / "docs/steps.md"


def test_every_block_does_what_the_page_says(tmp_path: Path) -> None:
    told = type_blocks("steps.md", tmp_path)
    assert "6 ran" in told
    assert "report" in told
    assert "off: 'full or rounds > 1000' does not hold" in told
    assert (tmp_path / "fits/line-2").read_text() == "line 100\n"
    assert "4 fits/" not in (tmp_path / "report.txt").read_text()


def test_the_page_has_every_key() -> None:
    text = PAGE.read_text()
    known = (*step_reader.KEYS, *step_reader.OUT_KEYS, *step_reader.PLOT_KEYS)
    assert [key for key in known if f"`{key}`" not in text and f"`{key}:" not in text] == []
