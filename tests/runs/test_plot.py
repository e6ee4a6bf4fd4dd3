"""Curves of many points, tables that steps declare, and pages that hold together."""

import json
import math
import re
import tracemalloc
from pathlib import Path

import pytest

from mlops_cli.cli.plot_text import draw
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.page.axis import ticks
from mlops_cli.runs.curve import Curve
from mlops_cli.runs.history import points
from mlops_cli.runs.plot import Chart, Series, plots
from mlops_cli.runs.plot_html import page
from mlops_cli.runs.record import Artifact, Run
from tests.runs.recorded import record

SETTINGS = """\
steps:
  train:
    cmd: train
    plots:
      - roc.csv: {x: fpr, y: tpr, title: ROC}
      - roc.json
      - rows.jsonl: {x: at}
"""


def logged(repo: Repository, lines: list[dict], **fields: object) -> Run:
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    history = repo.objects.put(data + b'{"torn')
    return record(repo, [{"history": history, **fields}])[0]


def test_a_curve_keeps_its_extremes_however_long_it_is() -> None:
    curve = Curve(100)
    for at in range(100_000):
        curve.add(at, 50.0 if at == 77_777 else -9.0 if at == 5 else math.sin(at))
    curve.add(100_000, math.nan)
    kept = curve.points()
    assert 50 <= len(kept) <= 200
    assert (curve.count, curve.broken) == (100_001, 1)
    assert kept[-1] == curve.last == (99_999, math.sin(99_999))
    assert (77_777, 50.0) in kept
    assert (5, -9.0) in kept
    assert kept == sorted(kept)
    curve.thin(20)
    assert len(curve.points()) <= 21
    assert (77_777, 50.0) in curve.points()


def test_a_short_curve_is_kept_as_it_is() -> None:
    curve = Curve()
    for at in range(10):
        curve.add(at, -at)
    assert curve.points() == [(at, -at) for at in range(10)]


def test_points_have_their_step_or_their_turn_and_the_name_in_the_record(repo: Repository) -> None:
    run = logged(
        repo,
        [
            {"metrics": {"loss": 1, "auc": "nan"}, "time": 1.0, "by": "a", "step": 5},
            {"metrics": {"loss": 2}, "time": 2.0, "by": "b"},
            {"metrics": {"loss": 3}, "by": "b"},
            {"metrics": "nonsense"},
            {},
        ],
        metrics={"a.loss": 1, "b.loss": 3, "auc": "nan"},
    )
    found = [(one.metric, one.at, one.value) for one in points(repo, run)]
    assert found[0] == ("a.loss", 5, 1.0)
    assert found[1][0] == "auc"
    assert math.isnan(found[1][2])
    assert found[2:] == [("b.loss", 0, 2.0), ("b.loss", 1, 3.0)]
    assert [one.at for one in points(repo, run, ["b.loss"])] == [0, 1]


def test_metrics_are_drawn_over_steps_or_time_and_single_ones_are_told(repo: Repository) -> None:
    lines = [{"metrics": {"loss": 1 / (at + 1)}, "step": at, "time": 100.0 + at} for at in range(9)]
    run = logged(repo, [*lines, {"metrics": {"auc": 1}, "step": 3}])
    found = plots(repo, ["last"])
    assert [chart.title for chart in found.charts] == ["loss"]
    assert found.once == ("auc",)
    assert found.charts[0].series[0].points[-1] == (8.0, 1 / 9)
    assert plots(repo, [run.key], x="time").charts[0].series[0].points[0][0] == 0.0
    assert [chart.title for chart in plots(repo, ["last"], metrics=["auc"]).charts] == ["auc"]
    with pytest.raises(RequestError, match="none of these runs logged 'aux'") as caught:
        plots(repo, ["last"], metrics=["aux"])
    assert caught.value.hint == "there are auc, loss"


def test_tables_that_steps_declare_are_drawn(project: Path) -> None:
    (project / ".mlops.yaml").write_text(SETTINGS)
    repo = open_repository(project)
    contents = {
        "roc.csv": b"fpr,tpr,note\n0,0,x\n0.5,0.9,y\n1,1,\n",
        "roc.json": b'{"roc": {"fpr": [0, 1], "tpr": [0, 1]}}',
        "rows.jsonl": b'{"at": 1, "y": 2}\n{"at": 2, "y": "nan"}\n',
    }
    outputs = tuple(
        Artifact(path, repo.objects.put(data), "file", len(data)) for path, data in contents.items()
    )
    record(repo, [{"outputs": outputs}])
    charts = {chart.title: chart for chart in plots(repo, ["last"]).charts}
    assert charts["ROC"].x == "fpr"
    (series,) = charts["ROC"].series
    assert series.points == ((0, 0), (0.5, 0.9), (1, 1))
    assert [one.label for one in charts["roc.json"].series] == ["run-0 fpr", "run-0 tpr"]
    assert charts["rows.jsonl"].series[0].points == ((1, 2),)
    assert charts["rows.jsonl"].series[0].broken == 1
    assert [one.title for one in plots(repo, ["last"], metrics=["roc.json"]).charts] == ["roc.json"]


@pytest.mark.parametrize("data", [b"{", b'{"a": 1}', b"3", b"[" * 100_000])
def test_what_is_no_table_is_named(project: Path, data: bytes) -> None:
    (project / ".mlops.yaml").write_text("steps: {a: {cmd: x, plots: [p.json]}}\n")
    repo = open_repository(project)
    record(repo, [{"outputs": (Artifact("p.json", repo.objects.put(data), "file", 1),)}])
    with pytest.raises(RequestError, match=r"the plot 'p.json' is n"):
        plots(repo, ["last"])


def test_what_runs_took_of_the_machine_is_drawn_when_asked_for(repo: Repository) -> None:
    lines = [{"time": 5.0 + at, "cpu": at or None, "memory": at * 2**20} for at in range(3)]
    samples = repo.objects.put(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    record(repo, [{"samples": samples}])
    assert plots(repo, ["last"]).charts == ()
    charts = {one.title: one.series[0].points for one in plots(repo, ["last"], system=True).charts}
    assert charts == {
        "system: busy processors": ((1.0, 1), (2.0, 2)),
        "system: memory, MiB": ((0.0, 0), (1.0, 1), (2.0, 2)),
    }


def test_many_points_take_little_memory(repo: Repository) -> None:
    line = b'{"metrics":{"loss":0.%d},"time":1.0,"step":%d}\n'
    history = repo.objects.put(b"".join(line % (at % 97, at) for at in range(60_000)))
    record(repo, [{"history": history}])
    tracemalloc.start()
    try:
        (chart,) = plots(repo, ["last"]).charts
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert chart.series[0].count == 60_000
    assert len(chart.series[0].points) <= 1001
    assert peak < 4 * 2**20


def test_a_page_asks_for_nothing_and_stays_small_whatever_its_names_are(repo: Repository) -> None:
    evil = "<script>alert(1)</script>\"'&"
    lines = [
        {"metrics": {f"{evil}{number}": at * number for number in range(40)}, "step": at}
        for at in range(400)
    ]
    keys = [
        run.key
        for run in record(
            repo,
            [
                {"history": repo.objects.put(json.dumps(lines[0]).encode())},
                {
                    "history": repo.objects.put(
                        b"\n".join(json.dumps(line).encode() for line in lines)
                    ),
                    "name": "größe",
                    "params": {evil: evil},
                    "metrics": {"auc": "nan"},
                },
            ],
        )
    ]
    text = page(plots(repo, keys), title=evil)
    assert "<script" not in text
    assert not re.search(r"\b(src|href)=|url\(", text)
    assert "https:" not in text.replace("http://www.w3.org", "")
    assert 'name="viewport"' in text
    assert len(text.encode()) < 1_000_000
    assert text.count("<article>") == 40


def test_round_numbers_lie_within_the_span() -> None:
    assert ticks(-1.0, 1.0) == [-1.0, -0.5, 0.0, 0.5, 1.0]
    for low, high in ((0.0, 1e-300), (1e300, 1.7e308), (-1e308, 1e308), (5.0, 5.1)):
        found = ticks(low, high)
        assert 0 < len(found) <= 10
        assert all(math.isfinite(value) for value in found)


@pytest.mark.parametrize(
    "points",
    [((0, 0),), ((0, 1), (1, 1)), ((0, -1e308), (1, 1e308)), ((0, 0), (1e-320, 1e-320)), ()],
)
def test_any_curve_is_drawn_within_its_width(points: tuple[tuple[float, float], ...]) -> None:
    series = Series("a", "a", points, len(points), 0)
    for chart in (Chart("t", "step", (series,)), Chart("t", "step", (series, series))):
        lines = list(draw(chart, 80, coloured=False))
        assert lines[0] == "t"
        assert all(len(line) <= 80 for line in lines)
