"""Load on a server by `wrk`, and what the server's processes take for it."""

import json
import math
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a closed loop: answers a second, latencies, and CPU time for each answer."""

    rate: float
    p50_us: float
    p99_us: float
    cpu_us: float
    refused: int


NOTHING = Load(0.0, math.inf, math.inf, math.inf, 0)
"""Of a server that answered nothing in time."""


def drive(
    url: str,
    body: Any,
    headers: Mapping[str, str],
    *,
    clients: int,
    seconds: float,
    pid: int,
    folder: Path,
) -> Load:
    """Send one request again and again from some clients, each waiting for its answer.

    `pid` is the server's first process; the CPU time is that of it and all it started.
    """
    script = folder / "post.lua"
    script.write_text(_script(body, headers))
    before = _cpu_s(pid)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--latency", "-s", str(script), url],
        check=True,
        capture_output=True,
        text=True,
    )
    return _read(done.stdout, _cpu_s(pid) - before)


def _script(body: Any, headers: Mapping[str, str]) -> str:
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(json.dumps(body))}"]
    held = {"Content-Type": "application/json", **headers}
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(one)}" for name, one in held.items()]
    return "\n".join(lines)


def _read(said: str, cpu_s: float) -> Load:
    count = int(_found(r"(\d+) requests in", said))
    if count == 0:
        return NOTHING
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Load(
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        p50_us=_us(_found(r"^ +50% +(\S+) *$", said)),
        p99_us=_us(_found(r"^ +99% +(\S+) *$", said)),
        cpu_us=cpu_s / count * 1e6,
        refused=int(refused[1]) if refused else 0,
    )


def _found(pattern: str, said: str) -> str:
    found = re.search(pattern, said, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said something else: {said}")
    return found[1]


def _us(text: str) -> float:
    """Return a time as `wrk` writes it.

    >>> _us("1.25ms")
    1250.0
    """
    found = re.fullmatch(r"([\d.]+)([a-z]+)", text)
    assert found is not None
    return float(found[1]) * _UNITS[found[2]]


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all that it started and that still run."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += (task / "children").read_text().split()
    except OSError:
        return
    for child in sorted({int(one) for one in children}):
        yield from tree(child)


def _cpu_s(pid: int) -> float:
    return sum(map(_cpu_of, tree(pid))) * _TICK_S


def _cpu_of(pid: int) -> int:
    """Return the ticks of a process and of its children that ended."""
    try:
        held = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(one) for one in held[11:15])


def pss_mib(pid: int) -> float:
    """Return the memory of a process and all that it started, shared pages counted in part."""
    found = 0
    for one in tree(pid):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        found += int(_found(r"Pss:\s+(\d+) kB", text))
    return found / 1024
