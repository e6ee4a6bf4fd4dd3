"""docs/benchmarks.md: a section for each part, written by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_TITLE = "# Benchmarks"
_INTRO = """\
Written by `python -m benchmarks --write`, each section by its part. Each row is a ratio of medians
taken in one run on one machine; `ok` means that `mlo` took at most `limit` times what it is held
against. A row without a limit only tells.

`python -m benchmarks storage` installs what it compares with (DVC by pip into a cache folder, the
others by apt-get), and takes an hour; `--only` picks rows, `--beside` tools, `--where` another
file system. With `--write`, a group of rows that was not measured stays as it is.
`python -m benchmarks pipeline`, `tracking` and `serving` install theirs by pip, each tool in an
environment of its own, and take some minutes; `drift-errors` takes half an hour. `agreement` and
`estimation` need what tests need (`pip install -e '.[check]'`), and take some minutes.
`python -m benchmarks loop` fetches its streams from PyPI; `--elec2` names the file of one that is
not there, OpenML's data set 151, and `--plot` where to write a page of drawings."""


@dataclass(frozen=True, slots=True)
class Section:
    """What a part has to say: a text, and below it groups of rows by their headings.

    A group that is None was not measured: what the page has of it stays.
    """

    text: str
    groups: Mapping[str, str | None] = field(default_factory=dict)

    def over(self, old: str) -> str:
        """Return the section as it is written where `old` was written before."""
        held = _below(old, "###")
        rows = {
            head: held.get(head) if text is None else text for head, text in self.groups.items()
        }
        below = [f"### {head}\n\n{text.strip()}" for head, text in rows.items() if text]
        return "\n\n".join([self.text.strip(), *below])


def renewed(page: str, sections: Mapping[str, Section]) -> str:
    """Return the page with these sections, by their headings, put in; the others stay.

    >>> page = renewed(renewed("", {"A": Section("1"), "B": Section("2")}), {"B": Section("3")})
    >>> print(page[page.index("## A"):])
    ## A
    <BLANKLINE>
    1
    <BLANKLINE>
    ## B
    <BLANKLINE>
    3
    """
    found = _below(page, "##")
    found |= {head: section.over(found.get(head, "")) for head, section in sections.items()}
    parts = [f"## {head}\n\n{text}" for head, text in found.items()]
    return "\n\n".join([_TITLE, _INTRO, *parts]) + "\n"


def _below(text: str, mark: str) -> dict[str, str]:
    """Return what stands below each heading of a level."""
    _, *parts = re.split(rf"^{mark} ", text, flags=re.MULTILINE)
    held = (part.partition("\n") for part in parts)
    return {head: below.strip() for head, _, below in held}
