"""What is read of servers that are measured."""

import math
import os
from pathlib import Path

import pytest

from benchmarks.serving import report, tools, wrk
from benchmarks.serving.models import Model
from benchmarks.serving.wrk import Load

SAID = """\
Running 1s test @ http://127.0.0.1:54905/predict
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   429.25ms  291.14ms   1.07s    93.99%
    Req/Sec    34.25     29.58    63.00     75.50%
  Latency Distribution
     50%  339.29ms
     75%  411.26ms
     90%    1.07s{space}
     99%    1.07s{space}
  20 requests in 1.07s, 3.40KB read
  Non-2xx or 3xx responses: 2
Requests/sec:     17.68
Transfer/sec:      3.16KB
""".format(space=" ")
MODEL = Model("lr", "LogisticRegression", {"a": 1.0, "b": "x"})


def test_what_wrk_says_is_read_by_whole_lines() -> None:
    load = wrk._read(SAID, cpu_s=0.01)

    assert load == Load(17.68, pytest.approx(339290.0), pytest.approx(1.07e6), 500.0, 2)


def test_a_server_that_answers_nothing_in_time_is_infinitely_slow() -> None:
    load = wrk._read(SAID.replace("20 requests", "0 requests"), cpu_s=0.01)

    assert load == wrk.NOTHING
    assert report._us(load) == math.inf


def test_a_process_and_what_it_started_are_counted() -> None:
    assert os.getpid() in wrk.tree(os.getpid())
    assert wrk.pss_mib(os.getpid()) > 1


def test_the_best_peer_is_the_one_that_answers_most(tmp_path: Path) -> None:
    bench = report.Bench(tmp_path, tmp_path, clients=(8,))
    for tool, rate in zip(tools.PEERS, (10.0, 30.0, 20.0), strict=False):
        load = Load(rate, 1.0, 2.0, 3.0, 0)
        bench.found[tool.name, "lr"] = report.Measured({8: load}, 1.0, 100.0)

    assert bench.best(MODEL, 8) == (tools.PEERS[1].name, Load(30.0, 1.0, 2.0, 3.0, 0))


def test_every_tool_is_asked_for_a_whole_row() -> None:
    mixed = Model("mixed", "mixed", {"a": 1.0, "b": "x"})
    for tool in (tools.OURS, *tools.PEERS):
        assert '"x"' in str(tool.asked(mixed).body).replace("'", '"')
