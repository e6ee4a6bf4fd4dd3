"""Markdown for comments on pull requests, printed."""

from collections.abc import Sequence

from mlops_cli.cli import show
from mlops_cli.page import markdown


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the cells are Markdown."""
    for line in markdown.grid(columns, rows):
        show.line(line)
