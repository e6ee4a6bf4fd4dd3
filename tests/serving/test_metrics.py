"""The page of metrics is what Prometheus reads."""

import math

from mlops_cli.serving.metrics import Histogram, Metrics, Page, labelled


def test_a_histogram_counts_below_each_bound_and_in_all() -> None:
    histogram = Histogram(bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    page = Page()
    page.add_histogram("seconds", "Time", histogram)
    lines = page.text().decode().splitlines()
    assert lines[:2] == ["# HELP seconds Time", "# TYPE seconds histogram"]
    assert lines[2:5] == [
        'seconds_bucket{le="0.1"} 2',
        'seconds_bucket{le="1.0"} 3',
        'seconds_bucket{le="+Inf"} 4',
    ]
    assert lines[6] == "seconds_count 4"
    assert math.isclose(float(lines[5].removeprefix("seconds_sum ")), 7.65)


def test_labels_are_escaped() -> None:
    page = Page()
    page.add("up", "gauge", "Up", [((("name", 'a"b\\c\nd'),), 1)])
    assert page.text().decode().splitlines()[2] == 'up{name="a\\"b\\\\c\\nd"} 1'


def test_requests_are_counted_by_path_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 422):
        metrics.count("/predict", status)
    samples = dict(labelled(("path", "status"), metrics.requests))
    assert samples[("path", "/predict"), ("status", "200")] == 2
    assert samples[("path", "/predict"), ("status", "422")] == 1
