from benchmarks.page import renewed


def test_a_page_keeps_the_sections_that_were_not_measured() -> None:
    page = renewed("", {"Start": "| a |", "Storage": "| b |"})
    again = renewed(page, {"Storage": "| c |"})
    assert "## Start\n\n| a |\n\n## Storage\n\n| c |\n" in again


def test_writing_the_same_again_changes_nothing() -> None:
    page = renewed("", {"Start": "| a |\n\nwords\n"})
    assert renewed(page, {"Start": "| a |\n\nwords\n"}) == page


def test_a_page_of_another_form_is_replaced() -> None:
    assert "| x |" not in renewed("# Benchmarks\n\n| x |\n", {"Start": "| a |"})
