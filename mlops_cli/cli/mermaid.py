"""A lineage as a Mermaid flow chart, which Markdown on GitHub and GitLab draws."""

from collections.abc import Iterator

from mlops_cli.cli.lineage_facts import short
from mlops_cli.registry.lineage.node import Node

_LONG = 60
_SHOWN = 3
"""At most so many facts stand in a box."""


def chart(subject: Node) -> str:
    """Return the chart: arrows lead from what something was made of to what came of it."""
    drawn = _Drawn()
    at = drawn.place(subject)
    drawn.branch(subject, at)
    return "\n".join(
        ["flowchart LR", *drawn.boxes.values(), *drawn.arrows, f"  style n{at} stroke-width:3px"]
    )


class _Drawn:
    """Boxes by the number of their thing, and the arrows between them, each once."""

    def __init__(self) -> None:
        self.boxes: dict[int, str] = {}
        self.arrows: dict[str, None] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def place(self, node: Node) -> int:
        """Return the number of a node's box, which is drawn now if it is new."""
        key = (node.kind, node.id or f"{node.name}{len(self.boxes)}")
        at = self._numbers.setdefault(key, len(self._numbers))
        if at not in self.boxes or node.up or node.down:
            self.boxes[at] = f'  n{at}["{"<br/>".join(_lines(node))}"]'
        return at

    def branch(self, node: Node, at: int) -> None:
        for above in node.up:
            other = self.place(above)
            self.arrows[f"  n{other} --> n{at}"] = None
            self.branch(above, other)
        for below in node.down:
            other = self.place(below)
            self.arrows[f"  n{at} --> n{other}"] = None
            self.branch(below, other)


def _lines(node: Node) -> Iterator[str]:
    yield f"<b>{_text(node.kind)}</b> {_text(node.name)}"
    for name in list(node.facts)[:_SHOWN]:
        if name != "told":
            yield f"{_text(name)}: {_text(short(node, name))}"


def _text(text: str) -> str:
    """Return text in which nothing is Mermaid's or HTML.

    >>> _text('say "a" <b> #1')
    'say #quot;a#quot; #lt;b#gt; #35;1'
    """
    text = text if len(text) <= _LONG else text[: _LONG - 1] + "…"
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    for mark, code in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;")):
        text = text.replace(mark, code)
    return text
