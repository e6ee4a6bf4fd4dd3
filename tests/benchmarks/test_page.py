from benchmarks.page import Section, renewed


def test_a_page_keeps_the_sections_that_were_not_measured() -> None:
    page = renewed("", {"Start": Section("| a |"), "Storage": Section("| b |")})
    again = renewed(page, {"Storage": Section("| c |")})
    assert "## Start\n\n| a |\n\n## Storage\n\n| c |\n" in again


def test_a_section_keeps_the_groups_that_were_not_measured_in_their_order() -> None:
    page = renewed("", {"Storage": Section("words", {"Many": "| b |", "Large": "| c |"})})
    again = renewed(
        page + "\n## Why\n\nx\n",
        {"Storage": Section("others", {"Start": None, "Many": None, "Large": "| d |"})},
    )
    kept = "others\n\n### Many\n\n| b |\n\n### Large\n\n| d |\n\n## Why\n\nx\n"
    assert again.endswith(f"## Storage\n\n{kept}")


def test_writing_the_same_again_changes_nothing() -> None:
    section = Section("| a |\n\nwords\n", {"One": "| b |"})
    page = renewed("", {"Start": section})
    assert renewed(page, {"Start": section}) == page


def test_a_page_of_another_form_is_replaced() -> None:
    assert "| x |" not in renewed("# Benchmarks\n\n| x |\n", {"Start": Section("| a |")})
