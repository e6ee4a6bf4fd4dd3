"""Markdown for comments on pull requests, in which nothing of the user's is markup."""

from collections.abc import Sequence

from mlops_cli.cli import show


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the cells are Markdown."""
    show.line("| " + " | ".join(columns) + " |")
    show.line("|" + " --- |" * len(columns))
    for row in rows:
        show.line("| " + " | ".join(row) + " |")


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
