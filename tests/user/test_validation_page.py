"""The blocks of `docs/validation.md` run as they stand, and give what the page says."""

from pathlib import Path

from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_run_and_do_what_it_says(tmp_path: Path) -> None:
    said = type_blocks("validation.md", tmp_path)
    print(said)
    assert "data/sales.csv  passes schemas/sales.yaml: 1,000 rows, 6 columns" in said
    assert "age is above 150 in 1 of 980 rows" in said
    assert "id repeats an earlier row in 1 of 1,000 rows" in said
    assert "'start <= end' does not hold" in said
    assert "exit code 1" in said
    assert "data/sales.csv@HEAD  passes" in said
    assert "step 'total': data/sales.csv fails schemas/sales.yaml: has 100 rows" in said
    assert "refused" in said
    assert "committed" in said
