"""The page of metrics is what Prometheus reads."""

import math

from mlops_cli.core.exposition import Page
from mlops_cli.serving.metrics import BUCKETS_S, Metrics


def test_times_are_counted_below_each_bound_and_in_all() -> None:
    metrics = Metrics()
    for value in (0.0005, 0.0006, 0.3, 70.0):
        metrics.latency(value)
    page = Page()
    page.add_times("seconds", "Time", BUCKETS_S, metrics.board.sums("latency")[()])
    lines = page.text().splitlines()
    assert lines[:2] == ["# HELP seconds Time", "# TYPE seconds histogram"]
    assert lines[2:4] == ['seconds_bucket{le="0.0005"} 1', 'seconds_bucket{le="0.001"} 2']
    assert 'seconds_bucket{le="10.0"} 3' in lines
    assert lines[-3] == 'seconds_bucket{le="+Inf"} 4'
    assert lines[-1] == "seconds_count 4"
    assert math.isclose(float(lines[-2].removeprefix("seconds_sum ")), 70.3011)


def test_labels_are_escaped() -> None:
    page = Page()
    page.add("up", "gauge", "Up", [((("name", 'a"b\\c\nd'),), 1)])
    assert page.text().splitlines()[2] == 'up{name="a\\"b\\\\c\\nd"} 1'


def test_requests_are_counted_by_path_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 422):
        metrics.count("/predict", status)
    assert metrics.board.sums("requests") == {("/predict", "200"): [2], ("/predict", "422"): [1]}
