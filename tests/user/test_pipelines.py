"""What the page on pipelines promises."""

from pathlib import Path

from tests.user.pages import type_blocks


def test_every_block_does_what_the_page_says(tmp_path: Path) -> None:
    told = type_blocks("pipelines.md", tmp_path)
    assert "2 restored, 1 unchanged" in told, "back at a depth of 2, nothing runs"
    assert told.count("nothing is stale; what is here was made by run") == 2
    assert "run deeper reproduced" in told
    colleague, own = tmp_path / "colleague", tmp_path / "tumours"
    assert (colleague / "metrics.json").read_bytes() == (own / "metrics.json").read_bytes()
