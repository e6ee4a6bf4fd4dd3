"""The machine that a run's code is on, as far as it decides results and speed.

Everything comes from files of the kernel that are quick to read; no program is started.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

_FLAGS = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni",
    "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimddp", "sve", "sve2", "bf16", "i8mm",
)  # fmt: skip
"""Abilities of a processor that numeric libraries choose their code by."""
_CGROUP = "/sys/fs/cgroup"
_NVIDIA = "/proc/driver/nvidia"


def describe() -> dict[str, Any]:
    """Return what is known of this machine, ready to be stored."""
    model, flags = _processor()
    return {
        "os": f"{os.uname().sysname} {os.uname().release}",
        "distribution": _distribution(),
        "libc": _libc(),
        "machine": os.uname().machine,
        "cpu": model,
        "cpu_flags": flags,
        "cpus": os.cpu_count(),
        "cpus_usable": usable_cpus(),
        "memory_bytes": memory_bytes(),
        "gpus": gpus(),
        "container": _container(),
    }


def usable_cpus() -> float | None:
    """Return how many processors this process may use: by affinity, and by its control group."""
    try:
        count: float = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        count = os.cpu_count() or 1
    quota = _read(f"{_CGROUP}/cpu.max").split()
    if len(quota) == 2 and quota[0].isdigit():
        count = min(count, int(quota[0]) / int(quota[1]))
    return count


def memory_bytes() -> int | None:
    """Return how much memory there is for this process: the machine's, or its control group's."""
    told = _read("/proc/meminfo", 256).partition("MemTotal:")[2].split()
    total = int(told[0]) * 1024 if told and told[0].isdigit() else None
    limit = _read(f"{_CGROUP}/memory.max").strip()
    if limit.isdigit():
        return int(limit) if total is None else min(int(limit), total)
    return total


@cache
def gpus() -> tuple[dict[str, str], ...]:
    """Return model and driver of each NVIDIA GPU, as the driver tells without being asked."""
    try:
        places = sorted(os.listdir(f"{_NVIDIA}/gpus"))
    except OSError:
        return ()
    driver = _read(f"{_NVIDIA}/version").partition("Module")[2].split()
    found = []
    for place in places:
        text = _read(f"{_NVIDIA}/gpus/{place}/information")
        facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        model = facts.get("Model", "unknown").strip()
        found.append({"model": model, "driver": driver[0] if driver else "unknown"})
    return tuple(found)


@cache
def _processor() -> tuple[str | None, list[str]]:
    """Return the model of the first processor, and those of its abilities that matter."""
    facts = {}
    for line in _read("/proc/cpuinfo", 8192).split("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        facts[name.strip()] = value.strip()
    has = set((facts.get("flags") or facts.get("Features") or "").split())
    model = facts.get("model name") or facts.get("CPU part") or None
    return model, [flag for flag in _FLAGS if flag in has]


@cache
def _distribution() -> str | None:
    for line in _read("/etc/os-release").splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip('"')
    return None


@cache
def _libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        return next((f"musl {one.name}" for one in Path("/lib").glob("ld-musl-*")), None)


@cache
def _container() -> str | None:
    """Return what kind of container this is in, None when it is in none that shows."""
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/.containerenv"):
        return "podman"
    return "kubernetes" if "KUBERNETES_SERVICE_HOST" in os.environ else None


def _read(path: str, most: int = 4096) -> str:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(most).decode("utf-8", "replace")
    except OSError:
        return ""
