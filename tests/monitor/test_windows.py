"""Windows begin where a day or an hour does, or with so many rows, and lose no row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.errors import RequestError
from mlops_cli.monitor import windows
from mlops_cli.monitor.windows import Width

HOUR_US = 3600 * 1_000_000


@given(
    st.lists(st.integers(0, 10 * HOUR_US), max_size=60).map(sorted),
    st.sampled_from(["1m", "1h", "1d", "1", "7", "1000"]),
)
def test_every_row_is_in_one_window(times, text):
    found = windows.cut(np.array(times, dtype=np.int64), windows.width(text))
    assert [row for one in found for row in range(one.first, one.end)] == list(range(len(times)))
    assert all(one.rows for one in found)
    for one in found:
        assert all(one.start_us <= when <= one.until_us for when in times[one.first : one.end])


def test_windows_of_time_begin_alike_whenever_one_asks():
    times = np.array([0.2, 0.9, 1.1, 5.5]) * HOUR_US
    found = windows.cut(times.astype(np.int64), windows.width("1h"))
    assert [one.start_us // HOUR_US for one in found] == [0, 1, 5]
    later = windows.cut(times.astype(np.int64)[1:], windows.width("1h"))
    assert [one.start_us for one in later] == [one.start_us for one in found]


def test_only_the_newest_window_is_still_filling():
    found = windows.cut(np.arange(25, dtype=np.int64), Width(rows=10))
    assert [(one.rows, one.whole) for one in found] == [(10, True), (10, True), (5, False)]
    found = windows.cut(np.arange(3, dtype=np.int64) * HOUR_US, Width(seconds=3600))
    assert [one.whole for one in found] == [True, True, False]


def test_of_many_windows_the_newest_are_kept():
    found = windows.cut(np.arange(250, dtype=np.int64), Width(rows=1))
    kept, left = windows.newest(found)
    assert (len(kept), left, kept[-1]) == (100, 150, found[-1])
    assert windows.newest(kept) == (kept, 0)


@pytest.mark.parametrize("text", ["", "0", "0d", "-5", "1.5d", "1y", "day", "1e9", "9" * 40])
def test_a_width_that_makes_no_sense_is_refused(text):
    with pytest.raises(RequestError, match="not how wide a window is"):
        windows.width(text)


@given(
    st.lists(st.integers(0, 30), max_size=60),
    st.sampled_from(["1", "3", "7", "100"]),
    st.integers(1, 20),
)
def test_rows_that_come_in_any_order_fill_the_windows_that_were_cut(times, wide, step):
    times = np.array(times, np.int64)
    cut = windows.cut(np.sort(times), windows.width(wide))
    placing = windows.Placing(np.sort(times), cut)
    parts = [placing.places(times[at : at + step]) for at in range(0, len(times), step)]
    places = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    assert np.bincount(places, minlength=len(cut)).tolist() == [one.rows for one in cut]
    for place, one in enumerate(cut):
        inside = times[places == place]
        assert (inside.min(), inside.max()) == (one.start_us, one.until_us)


def test_rows_of_windows_that_are_left_out_or_that_came_late_are_in_none():
    times = np.arange(10)
    kept, _ = windows.newest(windows.cut(times, windows.width("3")), most=2)
    found = windows.Placing(times, kept).places(np.array([0, 5, 6, 9, 12]))
    assert found.tolist() == [-1, -1, 0, 1, -1]
