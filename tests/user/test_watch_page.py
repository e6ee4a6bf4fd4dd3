"""The blocks of `docs/watch.md` run as they stand, and give what the page says."""

from pathlib import Path

from tests.servers.programs import free_port
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_find_what_moved_and_since_when(tmp_path: Path) -> None:
    printed = type_blocks("watch.md", tmp_path, _8766=str(free_port()))
    for words in (
        "200 rows, 6 columns",
        "drift: 1 of 7 columns (texture) drifted",
        "prediction and probability of malignant: against its 120 answers for data/test.csv",
        "texture in 2 windows in a row",
        "% of the importance",
        "segments",
        "ok: no column drifted",
        "249 labels: 249 new",
    ):
        assert words in printed, words
    assert printed.count("exit code 1") == 4
    page = (tmp_path / "tumours" / "drift.html").read_text()
    assert "What the model answers" in page
    assert len(page) < 1_000_000
    assert "Traceback" not in printed
