"""Pages hold together whatever they are made of, and ask for nothing."""

import math
from html.parser import HTMLParser

import pytest

from mlops_cli.page import axis, html, lines, markdown, shapes
from mlops_cli.page.html import Html
from mlops_cli.page.lines import Line

EVIL = "<script>alert(1)</script>\"'&\ud800"
_VOID = {"meta", "br"}


class Checked(HTMLParser):
    """Fails where an element is not closed in its place, and keeps which there were."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen.append(tag)
        assert not any(key.startswith("on") or key in ("src", "href") for key, _ in attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_page_is_whole_and_nothing_in_it_is_markup_that_was_no_markup():
    chart = lines.chart(EVIL, [Line(EVIL, [(0, 1), (1, 2)], [(0, 2), (1, 3)], told=EVIL)], x=EVIL)
    shape = shapes.overlaid(EVIL, [EVIL, "b"], [[0.1, 0.9], [0.5, 0.5]], [EVIL, "now"])
    parts = [
        html.verdict(EVIL, EVIL, "bad"),
        html.facts([(EVIL, EVIL)]),
        html.section(EVIL, html.cards([html.card(EVIL, chart, shape, badge=EVIL)]), under=EVIL),
        html.folded(EVIL, html.table([EVIL, "n"], [[EVIL, 1.5], [shapes.sparkline([0, 1]), None]])),
        shapes.bars(EVIL, [(EVIL, 1.0, EVIL)]),
        EVIL,
    ]
    page = html.page(EVIL, parts, under=[EVIL])
    found = Checked(page)
    assert "script" not in found.seen
    assert page.count("http") == page.count("http-equiv")
    page.encode()


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0.0)],
        [(0, 1e308), (1, -1e308)],
        [(0, 5e-324), (1, 0.0)],
        [(0, 1.0), (1, math.nan), (2, 3.0), (3, math.inf)],
        [(-1e300, 1), (1e300, 2)],
    ],
)
@pytest.mark.parametrize("times", [False, True])
def test_every_number_is_drawn_within_the_frame(points, times):
    drawn = lines.chart("any", [Line("a", points, dots=True)], times=times)
    assert "nan" not in drawn
    assert "inf" not in drawn
    Checked(drawn)


def test_a_line_is_broken_where_there_is_no_number_and_single_points_are_dots():
    points = [(0, 1.0), (1, 2.0), (2, math.nan), (3, 1.0)]
    drawn = lines.chart("gaps", [Line("a", points)])
    assert (drawn.count("<polyline"), drawn.count("<circle")) == (1, 1)
    assert lines.chart("none", [Line("a", [(0, math.nan)])]) == "<p>no finite number</p>"


def test_bounds_events_and_bands_are_drawn_and_told():
    drawn = lines.chart(
        "accuracy",
        [Line("open", [(0, 0.9), (5, 0.7)], [(0.8, 1.0), (0.6, 0.8)])],
        bounds=[(0.75, "bound")],
        events=[(3, "retrained")],
        wide=True,
    )
    for one in ("<polygon", "bound</text>", "<title>retrained</title>", 'class="wide"'):
        assert one in drawn


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 30), (0, 7200), (0, 86400 * 10), (0, 3e9), (1.7e9, 1.7e9 + 1e5), (0, 1e15)],
)
def test_moments_along_an_axis_are_few_and_within_it(low, high):
    found = axis.moments(axis.Span(low, high))
    assert 1 <= len(found) <= 8
    assert all(low <= place <= high for place, _ in found)
    assert len({told for _, told in found}) == len(found)


@pytest.mark.parametrize("bins", [[0.0, 1.0, 2.0], ["a", "b", "c"], [5.0]])
def test_one_sample_or_two_are_drawn_over_the_same_bins(bins):
    share = [1 / len(bins)] * len(bins)
    alone = shapes.overlaid("one", bins, [share], ["now"])
    both = shapes.overlaid("two", bins, [share, share], ["before", "now"])
    assert "before" in both
    assert len(alone) < len(both)
    Checked(alone)
    Checked(both)


def test_a_share_that_is_not_zero_can_be_seen():
    assert shapes.sparkline([0.0, 0.0]).count("z") == 0
    assert shapes.sparkline([0.0, 1e-9, 1.0]).count("z") == 2


def test_pieces_are_not_escaped_twice():
    inner = html.tag("b", "a < b")
    assert html.text(html.joined([inner, "&"])) == "<b>a &lt; b</b>&amp;"
    assert isinstance(inner, Html)


def test_folded_markdown_keeps_its_table_apart():
    told = markdown.folded("more <b>", markdown.grid(["a"], [["1"]]))
    assert told[1] == "<summary>more &lt;b&gt;</summary>"
    assert told[2] == ""
