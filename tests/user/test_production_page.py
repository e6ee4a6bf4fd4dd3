"""The blocks of `docs/production.md` run as they stand, and give what the page says."""

from pathlib import Path

from tests.servers.programs import free_port, program
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_serve_a_model_as_it_says(tmp_path: Path) -> None:
    program("curl")
    printed = type_blocks("production.md", tmp_path, _8000=str(free_port()))
    for words in (
        '"status":"ready"',
        '"prediction":"barolo"',
        "row 0, field 'alcohol' must be a number, got the string 'strong'",
        "must not be null",
        "mlo_predictions_total{",
        '"new":1',
        '"version": 2',
        '"version": 1',
        "wine v2 (wine@production) answers from now on",
    ):
        assert words in printed, words
    wine = tmp_path / "wine"
    assert "MloModelBehind" in (wine / "rules.yml").read_text()
    assert "train.py" in (wine / "trace.txt").read_text()
    assert "Traceback" not in printed
