"""HTML in pieces, put together by functions: text is escaped unless it is such a piece.

A page asks for nothing (no script, no font, no request), reads at 360 pixels, and is light or dark
as its reader's screen is.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from mlops_cli.page.style import STYLE

Tone = Literal["good", "warn", "bad", "quiet"]
"""What a mark says at a glance; the words beside it say it too."""

MOST_LETTERS = 200
"""Of a name that somebody made up; the rest is cut, so that no page grows without end."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_ALONE = frozenset({"br", "meta", "path", "rect", "circle", "polyline", "polygon", "line"})


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def text(value: str) -> Html:
    """Return text as HTML: escaped, unless it is HTML already.

    >>> text("a < b"), text(Html("<b>a</b>"))
    ('a &lt; b', '<b>a</b>')
    """
    return value if isinstance(value, Html) else Html(escape(value))


def joined(parts: Iterable[str]) -> Html:
    """Return pieces one after the other."""
    return Html("".join(map(text, parts)))


def tag(name: str, *inside: str, **attributes: str | float | None) -> Html:
    """Return an element.

    `_` at the end of an attribute's name is dropped, and others become `-`; those that are None are
    left out.

    >>> tag("a", "b & c", class_="name", href=None)
    '<a class="name">b &amp; c</a>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _ALONE and not inside:
        return Html(f"<{name}{told}/>")
    return Html(f"<{name}{told}>{joined(inside)}</{name}>")


def page(title: str, parts: Iterable[str], *, under: Sequence[str] = ()) -> str:
    """Return a whole page; `under` are lines below its title that say what it is of."""
    head = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        tag("h1", title),
        *(tag("p", line, class_="faint") for line in under),
    ]
    whole = "\n".join([*head, *map(text, parts), "</body></html>\n"])
    return whole.encode("utf-8", "replace").decode()


def paragraph(*inside: str, faint: bool = False) -> Html:
    """Return a paragraph."""
    return tag("p", *inside, class_="faint" if faint else None)


def section(title: str, *inside: str, under: str = "") -> Html:
    """Return a part of a page with a heading, and a line below it that says what it shows."""
    told = [tag("p", under, class_="faint")] if under else []
    return tag("section", tag("h2", title), *told, *inside)


def cards(each: Iterable[str]) -> Html:
    """Return pieces side by side, as many as there is room for."""
    return tag("div", *each, class_="cards")


def card(title: str, *inside: str, badge: str = "", under: str = "") -> Html:
    """Return one of the pieces that lie side by side."""
    told = [tag("p", under, class_="faint")] if under else []
    return tag(
        "article", tag("h3", clipped(title), *([" ", badge] if badge else [])), *told, *inside
    )


def mark(word: str, tone: Tone) -> Html:
    """Return a word on its colour, such as a verdict."""
    return tag("span", word, class_=f"mark {tone}")


def verdict(word: str, reason: str, tone: Tone) -> Html:
    """Return what the page has to say, first of all."""
    return tag("p", mark(word, tone), " ", reason, class_="verdict")


def folded(title: str, *inside: str, opened: bool = False) -> Html:
    """Return a part that the reader opens."""
    told = joined([tag("summary", title), *inside])
    return Html(f"<details{' open' if opened else ''}>{told}</details>")


def table(columns: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> Html:
    """Return a table that scrolls sideways where the screen is narrow.

    Numbers stand to the right, with six digits; None is an empty cell.
    """
    head = tag("tr", *(tag("th", name) for name in columns))
    body = [tag("tr", *map(_cell, row)) for row in rows]
    whole = tag("table", tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="scroll")


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Return short facts, each with its name, in a row that wraps."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", told)) for name, told in pairs))


def listed(pairs: Iterable[tuple[str, str]]) -> Html:
    """Return sentences, one below the other, each with what it is of."""
    return tag("ul", *(tag("li", tag("b", clipped(of)), " ", told) for of, told in pairs))


def clipped(name: str, most: int = MOST_LETTERS) -> str:
    """Return a name, cut where it is very long.

    >>> clipped("abcdef", 4)
    'abc…'
    """
    return name if isinstance(name, Html) or len(name) <= most else name[: most - 1] + "…"


def _cell(value: str | float | None) -> Html:
    if value is None:
        return tag("td")
    if isinstance(value, str):
        return tag("td", clipped(value))
    shown = str(value) if isinstance(value, int) else f"{value:.6g}"
    return tag("td", shown, class_="number")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
