"""What the page on reproducing runs promises."""

from pathlib import Path

from tests.user.pages import type_blocks


def test_every_block_does_what_the_page_says(tmp_path: Path) -> None:
    told = type_blocks("reproduce.md", tmp_path)
    assert "run monday reproduced: the same bytes" in told
    assert "1 output and 1 metric compared" in told
    assert "made twice here, drawn.txt differed too" in told
    assert "because of variable OMP_NUM_THREADS: 1 then, 2 here" in told
    assert told.count("exit code 1\n") == 2
    assert "the same bytes, 20" in told, "by whom, in runs show"
