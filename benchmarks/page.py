"""docs/benchmarks.md: a section for each part, written by itself."""

import re
from collections.abc import Mapping

_TITLE = "# Benchmarks"
_INTRO = """\
Written by `python -m benchmarks --write`, each section by its part. Each row is a ratio of medians
taken in one run on one machine; `ok` means that `mlo` took at most `limit` times what it is held
against. A row without a limit only tells.

`python -m benchmarks storage` installs what it compares with (DVC by pip into a cache folder, the
others by apt-get), and takes an hour; `--only` picks rows,
`--beside` tools, `--where` another file system."""


def renewed(page: str, sections: Mapping[str, str]) -> str:
    """Return the page with these sections (heading to text) put in; the others stay.

    >>> page = renewed(renewed("", {"A": "1", "B": "2"}), {"B": "3"})
    >>> print(page[page.index("## A"):])
    ## A
    <BLANKLINE>
    1
    <BLANKLINE>
    ## B
    <BLANKLINE>
    3
    """
    _, *old = re.split(r"^## ", page, flags=re.MULTILINE)
    found = {head: text.strip() for head, _, text in (part.partition("\n") for part in old)}
    parts = [f"## {head}\n\n{text.strip()}" for head, text in {**found, **sections}.items()]
    return "\n\n".join([_TITLE, _INTRO, *parts]) + "\n"
