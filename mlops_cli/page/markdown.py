"""Markdown in which nothing of the user's is markup."""

from collections.abc import Iterable, Sequence


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the cells are Markdown.

    >>> grid(["a", "b"], [["1", "2"]])
    ['| a | b |', '| --- | --- |', '| 1 | 2 |']
    """
    head = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return [*head, *("| " + " | ".join(row) + " |" for row in rows)]


def folded(title: str, lines: Iterable[str]) -> list[str]:
    """Return lines that the reader opens, as GitHub and GitLab show them."""
    return ["<details>", f"<summary>{escaped(title)}</summary>", "", *lines, "", "</details>"]


def code(text: str) -> str:
    r"""Return a name as code, whatever is in it.

    >>> code("a|b`c")
    '`` a\\|b`c ``'
    """
    text = text.replace("|", "\\|").replace("\n", " ")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def escaped(text: str) -> str:
    r"""Return text in which nothing is Markdown or HTML.

    >>> escaped("a_b <i> #1 | x")
    'a\\_b &lt;i&gt; #1 \\| x'
    """
    text = (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    )
    for mark in "\\`*_[]|":
        text = text.replace(mark, "\\" + mark)
    return text.replace("-&gt;", "→").replace("\n", " ")
